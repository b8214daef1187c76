"""Benchmarks: Medulla compared with alternatives, in one run on one machine; `python -m tests.bench`."""
