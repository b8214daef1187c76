"""Benchmarks: what Medulla does beside what else does it, in one run on one machine; `python -m tests.bench`."""
