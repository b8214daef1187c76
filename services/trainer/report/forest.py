"""Forest plots: an estimate with its interval for every arm, or for every part of the cohort."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report.colours import arm_colour
from services.trainer.report.names import metric_name, shown_arm
from services.trainer.report.svg import FAINT, GRID, INK, Axis, picture, text
from services.trainer.report_model.report import Report

_WIDTH, _LEFT, _RIGHT, _ROW, _TOP = 860, 436, 676, 23, 48


@dataclass(frozen=True)
class Line:
    """One line of a plot: a name, an estimate with its ends, a colour, and a word aside."""

    name: str
    figure: Figure
    fill: str
    aside: str
    strong: bool = False


def by_arm(report: Report) -> str:
    """Uno's C of every arm; of a bare yes or no it is the AUC."""
    lines = [
        Line(arm.title, arm.uno_c, arm_colour(name, report), f"n {arm.n}", strong=name == report.secondary.a)
        for name, arm in report.arms.items()
        if name != "null"
    ]
    return forest_plot(lines, f"{metric_name('uno_c', report)} by arm, 95 % interval", simulated=report.simulated)


def by_part(report: Report) -> str:
    """Harrell's C of the primary arm and its baseline in every subgroup; empty where none has a figure."""
    lines = [
        Line(
            f"{subgroup.name}: {shown_arm(name, report)}",
            figure,
            arm_colour(name, report),
            f"{subgroup.events} of {subgroup.n}",
        )
        for subgroup in report.subgroups
        for name, figure in subgroup.harrell_c.items()
    ]
    title = f"{metric_name('harrell_c', report)} in subgroups, events of patients"
    return forest_plot(lines, title, simulated=report.simulated) if lines else ""


def forest_plot(lines: Sequence[Line], title: str, *, simulated: bool) -> str:
    """Lines above one axis; those without an estimate are left out."""
    shown = [(line, line.figure.est) for line in lines if line.figure.est is not None]
    ends = [end for line, _ in shown for end in (line.figure.lo, line.figure.hi) if end is not None]
    low, high = min([0.45, *ends]), max([0.8, *ends])
    ticks = [float(tick) for tick in np.round(np.arange(0, 1.01, 0.1), 1) if low <= tick <= high]
    axis = Axis(low, high, ticks, "")
    height = _TOP + 22 + _ROW * len(shown)
    parts = [element for tick in ticks for element in _tick(axis, tick, height)]
    for i, (line, estimate) in enumerate(shown):
        parts += _drawn(line, estimate, _TOP + _ROW * i, axis)
    return picture(_WIDTH, height, title, parts, simulated=simulated)


def _tick(axis: Axis, tick: float, height: int) -> list[str]:
    x = axis.place(tick, _LEFT, _RIGHT)
    stroke = FAINT if tick == 0.5 else GRID
    rule = f'<line x1="{x:.1f}" y1="28" x2="{x:.1f}" y2="{height - 24}" stroke="{stroke}"/>'
    return [rule, text(x, height - 8, f"{tick:g}", fill=FAINT, anchor="middle")]


def _drawn(line: Line, estimate: float, y: int, axis: Axis) -> list[str]:
    x, lo, hi = axis.place(estimate, _LEFT, _RIGHT), line.figure.lo, line.figure.hi
    parts = [text(8, y, line.name, bold=line.strong), text(_LEFT - 14, y, line.aside, fill=FAINT, anchor="end")]
    label = f"{estimate:.3f}"
    if lo is not None and hi is not None:
        a, b = (axis.place(end, _LEFT, _RIGHT) for end in (lo, hi))
        parts.append(
            f'<line x1="{a:.1f}" y1="{y - 4}" x2="{b:.1f}" y2="{y - 4}" stroke="{line.fill}" stroke-width="2"/>'
        )
        label += f" ({lo:.3f} to {hi:.3f})"
    parts.append(f'<rect x="{x - 4:.1f}" y="{y - 8}" width="8" height="8" fill="{line.fill}"/>')
    return [*parts, text(_RIGHT + 16, y, label, fill=INK, bold=line.strong)]
