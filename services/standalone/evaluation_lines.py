"""An evaluation or validation report in a few lines, for the terminal."""

from collections.abc import Iterable, Iterator

from services.trainer.metrics.bootstrap import Figure
from services.trainer.report.block_gains import BlockGain, block_gains
from services.trainer.report.names import metric_name
from services.trainer.report_model.report import Report

_LEAST_WIDTH = 24
"""Columns of a terminal for the name of an arm."""


def evaluation_lines(report: Report, out: str) -> list[str]:
    """A report in a few lines; `out` is its folder."""
    rows = [*_arms(report), *(f"{name}: left out, {why}" for name, why in report.absent.items())]
    rows += [*_gains(report), *report.notes]
    if report.simulated:
        rows.append("SIMULATED: these patients never lived.")
    rows += [report.primary, *report.claims[:1], *report.reservations, *_recalibrated(report)]
    return [*rows, f"Report: {out}/report.html"]


def _recalibrated(report: Report) -> Iterator[str]:
    """The bundle that was made of the validated one, and what changed in the arm that it is about."""
    external = report.external_validation
    new = external.recalibrated if external else None
    if new is None:
        return
    shown = [name for name in (report.secondary.a, report.secondary.b) if name in new.arms] or list(new.arms)
    pair = new.arms[shown[0]]
    yield (
        f"Recalibrated ({new.method}): bundle {new.name}, digest {new.digest}; O/E of {shown[0]} "
        f"{_with_interval(pair.before.o_e)} before, {_with_interval(pair.after.o_e)} after, cross-validated"
    )


def _arms(report: Report) -> list[str]:
    """Order and calibration of each arm; of a yes or no, C is the AUC."""
    width, timed = _width(report.arms), report.profile.has_times
    heads = ("Harrell C", "Uno C") if timed else ("AUC",)
    lines = [f"{'arm':<{width}}{'n':>6}  {''.join(f'{head:<22}' for head in heads)}O/E"]
    for name, arm in report.arms.items():
        order = (arm.harrell_c, arm.uno_c) if timed else (arm.harrell_c,)
        figures = "".join(f"{_with_interval(figure):<22}" for figure in order)
        lines.append(f"{name:<{width}}{arm.n:>6}  {figures}{_with_interval(arm.calibration.o_e)}")
    return lines


def _gains(report: Report) -> list[str]:
    """What each block adds; no line where there is nothing to compare."""
    gains = block_gains(report)
    if not gains:
        return []
    width = _width(gain.block.title for gain in gains)
    heads = f"{'block':<{width}}{'adds to ' + metric_name(gains[0].contrast.metric, report):<26}p, Holm"
    rows = ((gain.block.title, _with_interval(gain.contrast.gain), _p(gain)) for gain in gains)
    return [heads, *(f"{title:<{width}}{figure:<26}{p}" for title, figure, p in rows)]


def _width(names: Iterable[str]) -> int:
    return max(_LEAST_WIDTH, *(len(name) + 2 for name in names))


def _p(gain: BlockGain) -> str:
    if gain.contrast.primary:
        return "primary contrast"
    p = gain.contrast.p_holm
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _with_interval(figure: Figure) -> str:
    if figure.est is None:
        return "-"
    if figure.lo is None or figure.hi is None:
        return f"{figure.est:z.3f}"
    between = "-" if figure.lo >= 0 else " to "
    return f"{figure.est:z.3f} ({figure.lo:z.3f}{between}{figure.hi:z.3f})"
