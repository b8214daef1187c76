"""Checking the Helm chart: rendering, schemas, metric names; and the tools for it."""
