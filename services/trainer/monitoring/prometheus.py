"""A monitoring report as a file for the textfile collector of Prometheus' node exporter; nothing of a case in it."""

from datetime import datetime
from pathlib import Path

from prometheus_client import REGISTRY, generate_latest

from services.trainer.monitoring.monitor_report import MonitorReport
from shared import monitoring
from shared.files import put

METRICS = "medulla_monitor.prom"


def write_metrics(report: MonitorReport, at: datetime, out: Path) -> None:
    """Write the metrics into a folder, whole or not at all; `at` is when the report was made."""
    monitoring.clear_metrics()
    for each in report.bundles:
        monitoring.set_metrics(each.standing(at))
    names = [family.name for gauge in monitoring.GAUGES for family in gauge.describe()]
    put(out / METRICS, generate_latest(REGISTRY.restricted_registry(names)))
