"""Studies of the models on public and SIMULATED cohorts, which EVIDENCE.md reports; `make science`."""
