"""`make chaos`: each promise of the running system as a figure, under faults of a seeded schedule on the real parts."""
