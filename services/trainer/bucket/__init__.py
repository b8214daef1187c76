"""Cohorts of a running deployment: tables and bags are copied from its bucket, reports and bundles are put there."""
