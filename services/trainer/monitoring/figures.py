"""The figures of a monitoring page: the charts on their clock, and observed over expected by quarter."""

from collections.abc import Sequence

from services.trainer.monitoring.monitor_report import GroupFigures, Monitored
from services.trainer.report.svg import FAINT, Axis, Chart, colour

_MORE, _FEWER = colour("before"), colour("after")
_MOST_RATIO = 4.0


def chart_figure(monitored: Monitored) -> str:
    """Both charts over the expected number of events, each with its threshold dashed."""
    sequential = monitored.sequential
    total = max((point.expected for point in sequential.points), default=0.0) or 1.0
    top = 1.35 * max(sequential.threshold_more, *(max(point.more, point.fewer) for point in sequential.points))
    x, y = _axis(total, "expected events"), _axis(top, "chart value")
    drawn = Chart(x, y, "Charts of events against expectation", monitored.simulated, width=720, height=320)
    for name, stroke, limit in (
        ("more", _MORE, sequential.threshold_more),
        ("fewer", _FEWER, sequential.threshold_fewer),
    ):
        drawn.line([(0, limit), (total, limit)], stroke, dashed=True)
        drawn.line([(point.expected, getattr(point, name)) for point in sequential.points], stroke)
    drawn.legend([("more events than expected", _MORE), ("fewer events", _FEWER)])
    return drawn.render()


def quarter_figure(monitored: Monitored) -> str:
    """Observed over expected of each quarter that is shown, with its interval; empty without two of them."""
    shown = [row for row in monitored.quarters if row.o_e.est is not None]
    if len(shown) < 2:
        return ""
    x = Axis(-0.5, len(shown) - 0.5, [], " · ".join(_ends(shown)))
    y = Axis(0, _MOST_RATIO, [0, 1, 2, 3, 4], "observed / expected")
    drawn = Chart(x, y, "Observed over expected by quarter", monitored.simulated, width=720, height=260)
    drawn.line([(-0.5, 1), (len(shown) - 0.5, 1)], FAINT, dashed=True)
    for place, row in enumerate(shown):
        drawn.whisker(place, row.o_e.lo, row.o_e.hi, _FEWER)
        drawn.dot(place, row.o_e.est or 0.0, _FEWER)
    return drawn.render()


def _ends(shown: Sequence[GroupFigures]) -> tuple[str, str]:
    return f"quarters from {shown[0].name}", f"to {shown[-1].name}"


def _axis(top: float, label: str) -> Axis:
    """From 0, with about five round ticks."""
    step = next(step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10**9) if top / step <= 6)
    return Axis(0, top, [step * i for i in range(int(top / step) + 1)], label)
