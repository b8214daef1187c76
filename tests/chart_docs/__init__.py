"""Generates the chart's values.schema.json, Grafana dashboards and README; `make chart-docs`."""
