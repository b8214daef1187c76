"""One file for each promise: what it does to the system, and the rows that it gives."""
