"""Helpers shared between tests."""
