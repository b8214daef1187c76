"""A monitoring report in a few lines, for the terminal."""

from collections.abc import Iterator
from pathlib import Path

from services.trainer.monitoring.monitor_report import Monitored, MonitorReport
from services.trainer.monitoring.page import PAGE
from services.trainer.report.numbers import shown_figure
from shared.words import counted


def monitor_lines(report: MonitorReport, out: Path) -> list[str]:
    """Each bundle in a few lines, and where the page is."""
    lines = [line for each in report.bundles for line in _lines(each)]
    simulated = ["SIMULATED: these patients never lived, or the model was fitted on such."] if report.simulated else []
    return [*lines, *simulated, f"Report: {out / PAGE}"]


def _lines(monitored: Monitored) -> Iterator[str]:
    yield f"{monitored.name} {monitored.bundle[:12]}: {counted(monitored.scored, 'case')} with a risk"
    overall, sequential = monitored.overall, monitored.sequential
    if overall.n:
        yield (
            f"  {overall.n} with an outcome: {overall.events} events, {overall.expected:.1f} expected, "
            f"O/E {shown_figure(overall.o_e, 2)}, Harrell's C {shown_figure(overall.harrell_c, 2)}"
        )
    for why, count in monitored.left_out.items():
        yield f"  {count} left out: {why}"
    yield (
        f"  charts look for {sequential.ratio:g} times the predicted hazard, or 1/{sequential.ratio:g}; false alarm in "
        f"{100 * sequential.false_alarms:g} % of {sequential.cases_planned} cases"
    )
    yield f"  {'FLAGGED. ' if monitored.flagged else ''}{monitored.sentence}"
