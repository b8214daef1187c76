"""The figures of a report: flow, forest plot, calibration, decision curve, risk groups, subgroups."""

from typing import Any

import numpy as np

from services.trainer.report.flow import flow
from services.trainer.report.forest import by_arm, by_part
from services.trainer.report.names import arm_name
from services.trainer.report.svg import FAINT, Axis, Chart, colour

_PERCENT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_LEAST_BENEFIT = -0.05
_HEADROOM = 1.3
"""Above the decision curve, where the legend stands."""
Said = dict[str, Any]


def figures(report: Said) -> dict[str, str]:
    """SVG by file name."""
    mark = "SIMULATED_" if report["simulated"] else ""
    drawn = {
        "flow": flow(report),
        "forest": by_arm(report),
        "calibration": calibration(report),
        "decision_curve": decision_curve(report),
        "subgroups": by_part(report),
    }
    curves = [item for item in report["risk_groups"] if any("times" in group for group in item["groups"])]
    drawn |= {f"risk_groups_{item['arm']}": risk_groups(item, report) for item in curves}
    return {f"{mark}{name}.svg": content for name, content in drawn.items() if content}


def calibration(report: Said) -> str:
    """Observed against predicted risk: fifths of the patients with intervals, and a smooth curve."""
    years = report["horizons_years"][0]
    axis = [Axis(0, 1, _PERCENT, title) for title in (f"predicted {years:g}-year risk", "observed (Aalen-Johansen)")]
    chart = Chart(axis[0], axis[1], f"Calibration at {years:g} years", report["simulated"])
    chart.line([(0, 0), (1, 1)], FAINT, dashed=True)
    arms = [name for name in ("clinical_molecular", "fused") if name in report["arms"]] or ["clinical"]
    arms = [name for name in arms if name in report["arms"]]
    for place, name in enumerate(arms):
        calibration_figures = report["arms"][name]["calibration"]
        points = [(p, o) for p, o in calibration_figures["curve"] if p is not None and o is not None]
        if points:
            chart.line(points, colour(name))
        for predicted, observed, _, lo, hi in calibration_figures["bins"]:
            aside = predicted + 0.008 * (place - 0.5) * (len(arms) > 1)
            chart.whisker(aside, lo, hi, colour(name))
            chart.dot(aside, observed, colour(name))
    chart.legend([(arm_name(name), colour(name)) for name in arms], low=True)
    return chart.render()


def decision_curve(report: Said) -> str:
    """Net benefit over thresholds, with the interval of the primary arm or of its baseline."""
    curves = report["decision_curve"]
    at, lines = curves["thresholds"], {name: row for name, row in curves["net_benefit"].items() if name != "clinical"}
    banded = next((name for name in ("fused", "clinical_molecular", "clinical") if name in lines), "treat_none")
    ends = (hi for _, hi in curves["intervals"][banded])
    drawn = [value for row in (*lines.values(), ends) for value in row if value is not None]
    top = _HEADROOM * max(0.1, *drawn)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5) if top <= 5.5 * step)
    ticks = [round(float(tick), 3) for tick in np.arange(0, top + step, step)]
    x = Axis(0, 0.6, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), "risk from which one would act")
    chart = Chart(
        x, Axis(_LEAST_BENEFIT, ticks[-1], ticks, "net benefit a patient"), "Decision curve", report["simulated"]
    )
    chart.band([(t, lo, hi) for t, (lo, hi) in zip(at, curves["intervals"][banded], strict=True)], colour(banded))
    for name, values in lines.items():
        points = [(t, v) for t, v in zip(at, values, strict=True) if v is not None and v >= _LEAST_BENEFIT]
        if points:
            chart.line(points, colour(name), dashed=name.startswith("treat"))
    chart.legend([(arm_name(name), colour(name)) for name in lines])
    return chart.render()


def risk_groups(comparison: Said, report: Said) -> str:
    """Cumulative incidence of high and low risk with bands, and the numbers at risk below."""
    groups = [group for group in comparison["groups"] if "times" in group]
    last = max(group["times"][-1] for group in groups)
    years = np.arange(0, np.floor(last) + 1).tolist()
    axes = Axis(0, last, years, "years"), Axis(0, 1, _PERCENT, "cumulative incidence (Aalen-Johansen)")
    title = f"Incidence by risk group: {arm_name(comparison['arm'])}"
    chart = Chart(axes[0], axes[1], title, report["simulated"], height=390, bottom=96)
    for group in groups:
        ends = zip(group["times"], group["lo"], group["hi"], strict=True)
        chart.band(list(ends), colour(group["name"]), step=True)
        chart.line(list(zip(group["times"], group["incidence"], strict=True)), colour(group["name"]), step=True)
    _at_risk(chart, groups)
    p = comparison["log_rank_p"]
    log_rank = "" if p is None else "log-rank p < 0.001" if p < 0.001 else f"log-rank p = {p:.3f}"
    chart.words(chart.left + 8, 42, log_rank)
    chart.legend([(f"{group['name']}, n {group['n']}", colour(group["name"])) for group in groups])
    return chart.render()


def _at_risk(chart: Chart, groups: list[Said]) -> None:
    start = chart.height - 30 - 15 * (len(groups) - 1)
    chart.words(6, start - 17, "at risk", FAINT)
    for i, group in enumerate(groups):
        y, fill = start + 15 * i, colour(group["name"])
        chart.words(6, y, group["name"].split()[0], fill)
        for year, count in zip(group["years"], group["at_risk"], strict=False):
            chart.words(chart.at(year, 0)[0], y, str(count), fill, "middle")
