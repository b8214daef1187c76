"""Renders the Helm chart and reads what its tests compare: manifests, locks, the RUNBOOK."""
