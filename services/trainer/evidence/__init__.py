"""Public cohorts as our tables, and the runs that EVIDENCE.md quotes."""
