"""Steps around a handler, one a file: each does one thing before, after or instead of the rest of the work."""
