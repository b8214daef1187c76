"""Stores every score of every case, and serves it to authorised callers."""
