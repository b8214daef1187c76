"""Fits model bundles."""
