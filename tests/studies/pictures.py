"""The figures beside the note, as SVG; a simulated one says so in its title and in its file's name."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.trainer.report.svg import FAINT, INK, Axis, Chart, colour

Value = Mapping[str, Any]
_ROLES = {"fused": "primary", "oracle": "oracle", "clinical": "record"}


def nothing(_value: Value) -> Mapping[str, str]:
    """No figure."""
    return {}


def arms(value: Value) -> Mapping[str, str]:
    """Harrell's C of every arm with its interval."""
    rows = [(name, arm["harrell_c"]) for name, arm in value["arms"].items() if arm["harrell_c"]["lo"] is not None]
    return {
        "arms": _forest(rows, "Harrell's C, out of fold", (0.45, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75), 0.5, simulated=False)
    }


def gains(value: Value) -> Mapping[str, str]:
    """Gain in C of fusion and of the oracle, seed by seed."""
    rows = []
    for effect, one in value.items():
        for name in ("fused", "oracle"):
            rows += [(f"HR {effect}, {name}, seed {row['seed']}", row[name]) for row in one["rows"]]
            rows.append((f"HR {effect}, {name}, mean", one[name]))
    known = [(name, figure) for name, figure in rows if figure["lo"] is not None]
    ticks = (-0.1, -0.05, 0.0, 0.05, 0.1, 0.15)
    return {"gains": _forest(known, "Gain in Uno's C over the table, external site", ticks, 0.0, simulated=True)}


def gains_on_slides(value: Value) -> Mapping[str, str]:
    """The same on slides of real pixels."""
    return gains(value["gains"])


def coverage(value: Value) -> Mapping[str, str]:
    """Coverage of the interval of 90 % for every arm at both horizons."""
    rows = [
        (f"{arm}, {horizon}", _within(one["covered"]))
        for arm, figures in value["all"].items()
        for horizon, one in figures.items()
    ]
    ticks = (0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
    return {"coverage": _forest(rows, "Share of true risks within the 90 % interval", ticks, 0.9, simulated=True)}


def ratios(value: Value) -> Mapping[str, str]:
    """Mean estimated against true hazard ratio."""
    axis = Axis(0.4, 3.6, (0.5, 1, 1.5, 2, 2.5, 3, 3.5), "true hazard ratio")
    chart = Chart(axis, Axis(0.4, 3.6, axis.ticks, "mean estimate"), "Known hazard ratios, recovered", simulated=True)
    chart.line([(0.4, 0.4), (3.6, 3.6)], FAINT, dashed=True)
    for name, fill in (("complete", colour("primary")), ("with gaps", colour("baseline"))):
        for one in value.get(name, {"ratios": {}})["ratios"].values():
            chart.dot(one["true"], one["mean"], fill)
    chart.legend([("complete", colour("primary")), ("with gaps", colour("baseline"))], low=True)
    return {"ratios": chart.render()}


def growth(value: Value) -> Mapping[str, str]:
    """Seconds of processor and memory of one fold, each in powers of ten."""
    return {
        f"{axis}-{measure}": _growth(value[axis], axis, measure)
        for axis in ("patients", "tiles")
        for measure in ("cpu_s", "peak_mb")
    }


def _growth(part: Value, axis: str, measure: str) -> str:
    ticks = (2, 3, 4, 5)
    label = "processor seconds of a fold" if measure == "cpu_s" else "peak memory, MB"
    heights = (0, 1, 2, 3, 4) if measure == "cpu_s" else (2, 3, 4)
    chart = Chart(
        Axis(1.9, 5.0, ticks, f"{axis}, power of ten"),
        Axis(heights[0], heights[-1], heights, f"{label}, power of ten"),
        f"Growth with {axis}",
        simulated=True,
    )
    points = [(row[f"log_{axis}"], row[f"log_{measure}"]) for row in part["rows"]]
    chart.line(points, colour("primary"))
    for point in points:
        chart.dot(*point, colour("primary"))
    return chart.render()


def _within(figure: Value) -> Value:
    """An interval, of no width where there is one seed."""
    return {name: figure["est"] if figure[name] is None else figure[name] for name in ("est", "lo", "hi")}


def _forest(
    rows: Sequence[tuple[str, Value]], title: str, ticks: Sequence[float], reference: float, *, simulated: bool
) -> str:
    """Points with their intervals, one a row."""
    height = 80 + 18 * len(rows)
    chart = Chart(
        Axis(ticks[0], ticks[-1], ticks, ""), Axis(0, len(rows), (), ""), title, simulated, 620, height, left=230
    )
    chart.line([(reference, 0), (reference, len(rows))], FAINT, dashed=True)
    for i, (name, figure) in enumerate(rows):
        y = len(rows) - i - 0.5
        stroke = next((colour(role) for arm, role in _ROLES.items() if arm in name), INK)
        chart.line([(figure["lo"], y), (figure["hi"], y)], stroke)
        chart.dot(figure["est"], y, stroke, 3.5)
        chart.words(chart.left - 8, chart.at(reference, y)[1] + 4, name, anchor="end")
    return chart.render()
