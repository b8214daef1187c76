"""Cohorts of a running deployment: copies of tables and bags of its bucket, and uploads of reports and bundles."""
