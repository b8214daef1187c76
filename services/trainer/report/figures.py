"""The figures of a report: forest plot, calibration, decision curve, risk groups, subgroups."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from services.trainer.report.svg import FAINT, GRID, INK, Axis, Chart, colour, picture, text

_PERCENT = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
Said = dict[str, Any]


def figures(report: Said) -> dict[str, str]:
    """SVG by file name."""
    mark = "SIMULATED_" if report["simulated"] else ""
    drawn = {
        "forest": forest(report),
        "calibration": calibration(report),
        "decision_curve": decision_curve(report),
        "subgroups": subgroups(report),
    }
    drawn |= {f"risk_groups_{item['arm']}": risk_groups(item, report) for item in report["risk_groups"]}
    return {f"{mark}{name}.svg": content for name, content in drawn.items() if content}


def forest(report: Said) -> str:
    """Uno's C of every arm with its interval."""
    rows = [
        (arm["title"], arm["uno_c"], name, f"n {arm['n']}") for name, arm in report["arms"].items() if name != "null"
    ]
    return forest_plot(rows, "Uno's C by arm, 95 % interval", report["simulated"])


def subgroups(report: Said) -> str:
    """Harrell's C of the primary arm and its baseline in every subgroup."""
    rows = [
        (f"{part['name']}, {name}", figure, name, f"{part['events']}/{part['n']}")
        for part in report["subgroups"]
        for name, figure in part["harrell_c"].items()
    ]
    return forest_plot(rows, "Harrell's C in subgroups, events of patients", report["simulated"]) if rows else ""


def forest_plot(rows: Sequence[tuple[str, Said, str, str]], title: str, simulated: bool) -> str:
    """Rows of (name, {est, lo, hi}, whose colour, what stands aside) above one axis."""
    told = [row for row in rows if row[1]["est"] is not None]
    width, left, right = 860, 430, 650
    ends = [value for _, figure, _, _ in told for value in (figure["lo"], figure["hi"]) if value is not None]
    low, high = min([0.45, *ends]), max([0.8, *ends])
    axis = Axis(low, high, [t for t in np.round(np.arange(0, 1.01, 0.1), 1).tolist() if low <= t <= high], "")
    height = 56 + 22 * len(told)
    parts = []
    for tick in axis.ticks:
        x = axis.place(tick, left, right)
        parts.append(
            f'<line x1="{x:.1f}" y1="28" x2="{x:.1f}" y2="{height - 24}" stroke="{INK if tick == 0.5 else GRID}"/>'
        )
        parts.append(text(x, height - 8, f"{tick:g}", fill=FAINT, anchor="middle"))
    for i, (name, figure, arm, aside) in enumerate(told):
        parts += _forest_row(46 + 22 * i, name, figure, colour(arm), aside, axis, (left, right))
    return picture(width, height, title, parts, simulated=simulated)


def _forest_row(y: int, name: str, figure: Said, fill: str, aside: str, axis: Axis, ends: tuple[int, int]) -> list[str]:
    x = axis.place(figure["est"], *ends)
    parts = [text(8, y, name), text(ends[0] - 12, y, aside, fill=FAINT, anchor="end")]
    said = f"{figure['est']:.3f}"
    if figure["lo"] is not None:
        a, b = (axis.place(figure[key], *ends) for key in ("lo", "hi"))
        parts.append(f'<line x1="{a:.1f}" y1="{y - 4}" x2="{b:.1f}" y2="{y - 4}" stroke="{fill}" stroke-width="2"/>')
        said += f" ({figure['lo']:.3f} to {figure['hi']:.3f})"
    parts.append(f'<rect x="{x - 4:.1f}" y="{y - 8}" width="8" height="8" fill="{fill}"/>')
    return [*parts, text(ends[1] + 14, y, said)]


def calibration(report: Said) -> str:
    """Observed against predicted risk: fifths of the patients, and a smooth curve."""
    arms = [name for name in ("clinical_molecular", "fused") if name in report["arms"]] or ["clinical"]
    years = report["horizons_years"][0]
    axis = [Axis(0, 1, _PERCENT, said) for said in (f"predicted {years:g}-year risk", "observed (Aalen-Johansen)")]
    chart = Chart(axis[0], axis[1], f"Calibration at {years:g} years", report["simulated"])
    chart.line([(0, 0), (1, 1)], FAINT, dashed=True)
    for name in arms:
        if name not in report["arms"]:
            continue
        said = report["arms"][name]["calibration"]
        points = [(p, o) for p, o in said["curve"] if p is not None and o is not None]
        if points:
            chart.line(points, colour(name))
        for predicted, observed, patients in said["bins"]:
            chart.dot(predicted, observed, colour(name), 2 + min(4.0, patients**0.5 / 4))
    chart.legend([(name, colour(name)) for name in arms], low=True)
    return chart.render()


def decision_curve(report: Said) -> str:
    """Net benefit over thresholds."""
    said = report["decision_curve"]
    at = said["thresholds"]
    lines = {name: values for name, values in said["net_benefit"].items() if name not in ("clinical",)}
    top = max(0.1, *(value for values in lines.values() for value in values if value is not None))
    ticks = np.round(np.linspace(0, np.ceil(top * 20) / 20, 5), 3).tolist()
    y = Axis(-0.05, ticks[-1], ticks, "net benefit a patient")
    chart = Chart(
        Axis(0, 0.6, (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), "risk from which one would act"),
        y,
        "Decision curve",
        report["simulated"],
    )
    for name, values in lines.items():
        points = [(t, v) for t, v in zip(at, values, strict=True) if v is not None and v >= -0.05]
        if points:
            chart.line(points, colour(name), dashed=name.startswith("treat"))
    chart.legend([(name.replace("_", " "), colour(name)) for name in lines])
    return chart.render()


def risk_groups(said: Said, report: Said) -> str:
    """Cumulative incidence of high and low risk, with the numbers at risk below."""
    groups = said["groups"]
    last = max((group["times"][-1] for group in groups), default=1.0)
    years = np.arange(0, np.floor(last) + 1).tolist()
    title = f"Incidence by risk group, {said['arm'].replace('_', ' ')}"
    axes = Axis(0, last, years, "years"), Axis(0, 1, _PERCENT, "cumulative incidence (Aalen-Johansen)")
    chart = Chart(axes[0], axes[1], title, report["simulated"], height=380, bottom=96)
    for group in groups:
        fill = colour(group["name"])
        chart.line(list(zip(group["times"], group["incidence"], strict=True)), fill, step=True)
    for i, group in enumerate(groups):
        y = chart.height - 30 - 15 * (len(groups) - 1 - i)
        chart.words(6, y, group["name"].split()[0], colour(group["name"]))
        for year, count in zip(group["years"], group["at_risk"], strict=False):
            x, _ = chart.at(year, 0)
            chart.words(x, y, str(count), colour(group["name"]), "middle")
    p = said["log_rank_p"]
    told = "" if p is None else "log-rank p < 0.001" if p < 0.001 else f"log-rank p = {p:.3f}"
    chart.words(chart.left + 8, 42, told)
    chart.legend([(f"{group['name']}, n {group['n']}", colour(group["name"])) for group in groups])
    return chart.render()
