"""Keeps every score of every case, and shows it to those who may see it."""
