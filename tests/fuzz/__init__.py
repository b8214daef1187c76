"""Seeded fuzzing of all readers of foreign input: `make fuzz`."""
