"""The figures of a report: flow, forest plot, calibration, decision curve, risk groups, subgroups."""

from collections.abc import Iterable, Sequence

import numpy as np

from services.trainer.report.colours import arm_colour, role_of
from services.trainer.report.flow import flow
from services.trainer.report.forest import by_arm, by_part
from services.trainer.report.names import shown_arm
from services.trainer.report.svg import FAINT, Axis, Chart, colour
from services.trainer.report_model.arms import CalibrationFigures, Curve, RiskGroup, RiskGroups
from services.trainer.report_model.report import Report

_PERCENT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LEAST_BENEFIT = -0.05
_HEADROOM = 1.3
"""Above the decision curve, where the legend stands."""


def figures(report: Report) -> dict[str, str]:
    """SVG by file name."""
    mark = "SIMULATED_" if report.simulated else ""
    drawn = {
        "flow": flow(report),
        "forest": by_arm(report),
        "calibration": calibration(report),
        "decision_curve": decision_curve(report),
        "subgroups": by_part(report),
    }
    curves = [item for item in report.risk_groups if any(group.curve for group in item.groups)]
    drawn |= {f"risk_groups_{item.arm}": risk_groups(item, report) for item in curves}
    return {f"{mark}{name}.svg": content for name, content in drawn.items() if content}


def calibration(report: Report) -> str:
    """Observed against predicted risk: fifths of the patients with intervals, and a smooth curve."""
    years = report.horizons_years[0]
    observed = "observed (Aalen-Johansen)" if report.profile.has_times else "observed"
    axis = [Axis(0, 1, _PERCENT, title) for title in (f"predicted {years:g}-year risk", observed)]
    chart = Chart(axis[0], axis[1], f"Calibration at {years:g} years", report.simulated)
    chart.line([(0, 0), (1, 1)], FAINT, dashed=True)
    arms = [name for name in (report.secondary.b, report.secondary.a) if name in report.arms]
    for place, name in enumerate(arms):
        aside = 0.008 * (place - 0.5) * (len(arms) > 1)
        _draw_calibration(chart, report.arms[name].calibration, arm_colour(name, report), aside)
    chart.legend([(shown_arm(name, report), arm_colour(name, report)) for name in arms], low=True)
    return chart.render()


def _draw_calibration(chart: Chart, figures: CalibrationFigures, fill: str, aside: float) -> None:
    """The curve and groups of one arm, `aside` of the others so that intervals do not lie on each other."""
    points = [(x, y) for x, y in figures.curve if x is not None and y is not None]
    if points:
        chart.line(points, fill)
    for group in figures.bins:
        if group.predicted is not None and group.observed is not None:
            chart.whisker(group.predicted + aside, group.lo, group.hi, fill)
            chart.dot(group.predicted + aside, group.observed, fill)


def decision_curve(report: Report) -> str:
    """Net benefit over thresholds, with the interval of the primary arm or of its baseline."""
    curves, at = report.decision_curve, report.decision_curve.thresholds
    lines = {name: row for name, row in curves.net_benefit.items() if role_of(name, report) != "record"}
    banded = next((name for name in (report.secondary.a, report.secondary.b) if name in lines), "treat_none")
    chart = _benefit_chart(report, [*lines.values(), [hi for _, hi in curves.intervals[banded]]])
    ends = zip(at, curves.intervals[banded], strict=True)
    chart.band([(threshold, lo, hi) for threshold, (lo, hi) in ends], arm_colour(banded, report))
    for name, values in lines.items():
        points = [(t, v) for t, v in zip(at, values, strict=True) if v is not None and v >= _LEAST_BENEFIT]
        if points:
            chart.line(points, arm_colour(name, report), dashed=name.startswith("treat"))
    chart.legend([(shown_arm(name, report), arm_colour(name, report)) for name in lines])
    return chart.render()


def _benefit_chart(report: Report, rows: Iterable[Sequence[float | None]]) -> Chart:
    """Axes that hold all rows, with room for the legend above them."""
    top = _HEADROOM * max(0.1, *(value for row in rows for value in row if value is not None))
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if top <= 5.5 * step)
    ticks = [round(float(tick), 3) for tick in np.arange(0, top + step, step)]
    x = Axis(0, 0.6, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), "risk from which one would act")
    y = Axis(_LEAST_BENEFIT, ticks[-1], ticks, "net benefit a patient")
    return Chart(x, y, "Decision curve", report.simulated)


def risk_groups(comparison: RiskGroups, report: Report) -> str:
    """Cumulative incidence of high and low risk with bands, and the numbers at risk below."""
    curves = [(group, group.curve) for group in comparison.groups if group.curve]
    last = max(float(curve.times[-1] or 0) for _, curve in curves)
    years = np.arange(0, np.floor(last) + 1).tolist()
    axes = Axis(0, last, years, "years"), Axis(0, 1, _PERCENT, "cumulative incidence (Aalen-Johansen)")
    title = f"Incidence by risk group: {shown_arm(comparison.arm, report)}"
    chart = Chart(axes[0], axes[1], title, report.simulated, height=390, bottom=96)
    for group, curve in curves:
        _draw_incidence(chart, curve, colour(group.name))
    _at_risk(chart, curves)
    chart.words(chart.left + 8, 42, _log_rank(comparison.log_rank_p))
    chart.legend([(f"{group.name}, n {group.n}", colour(group.name)) for group, _ in curves])
    return chart.render()


def _log_rank(p: float | None) -> str:
    return "" if p is None else "log-rank p < 0.001" if p < 0.001 else f"log-rank p = {p:.3f}"


def _draw_incidence(chart: Chart, curve: Curve, fill: str) -> None:
    points = [
        (time, incidence, lo, hi)
        for time, incidence, lo, hi in zip(curve.times, curve.incidence, curve.lo, curve.hi, strict=True)
        if time is not None and incidence is not None
    ]
    chart.band([(time, lo, hi) for time, _, lo, hi in points], fill, step=True)
    chart.line([(time, incidence) for time, incidence, *_ in points], fill, step=True)


def _at_risk(chart: Chart, curves: Sequence[tuple[RiskGroup, Curve]]) -> None:
    start = chart.height - 30 - 15 * (len(curves) - 1)
    chart.words(6, start - 17, "at risk", FAINT)
    for i, (group, curve) in enumerate(curves):
        y, fill = start + 15 * i, colour(group.name)
        chart.words(6, y, group.name.split()[0], fill)
        for year, count in zip(curve.years, curve.at_risk, strict=True):
            chart.words(chart.at(year, 0)[0], y, str(count), fill, "middle")
