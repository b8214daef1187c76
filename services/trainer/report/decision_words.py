"""The decision curve in sentences: where acting on an arm is worth more than treating all or none, and how much."""

from collections.abc import Iterator

from services.trainer.report.names import outcome_of, shown_arm
from services.trainer.report.numbers import shown_number
from services.trainer.report_model.arms import DecisionCurve
from services.trainer.report_model.report import Report
from shared.words import listed

READ_AT = (0.2, 0.3, 0.4)
"""Thresholds that a sentence is written of."""
_EQUAL = 1e-9


def decision_words(report: Report) -> list[str]:
    """Sentences on the primary arm, or its baseline where there is none; none without a curve of it."""
    curve, secondary = report.decision_curve, report.secondary
    arm = next((name for name in (secondary.a, secondary.b) if name in curve.net_benefit), None)
    if arm is None or "treat_all" not in curve.net_benefit:
        return []
    places = [i for i, threshold in enumerate(curve.thresholds) if threshold in READ_AT]
    return [_where(report, arm), *filter(None, (_at(report, arm, i) for i in places))]


def _where(report: Report, arm: str) -> str:
    curve = report.decision_curve
    spans = [_span(*ends) for ends in _spans(curve, arm)]
    if not spans:
        lowest, highest = _percent(curve.thresholds[0]), _percent(curve.thresholds[-1])
        return (
            f"Whoever acts from a risk of {lowest} to {highest} does as well by treating all or none as by "
            f"{shown_arm(arm, report)}, by these estimates."
        )
    return (
        f"Whoever acts from a risk of {listed(spans)} does better by {shown_arm(arm, report)} than by treating all or "
        "none, by these estimates; their intervals are in the figure."
    )


def _spans(curve: DecisionCurve, arm: str) -> Iterator[tuple[float, float]]:
    """First and last threshold of each run at which an arm is above both treating all and none."""
    run: list[float] = []
    for threshold, own, of_all in zip(
        curve.thresholds, curve.net_benefit[arm], curve.net_benefit["treat_all"], strict=True
    ):
        if own is not None and of_all is not None and own > max(of_all, 0.0) + _EQUAL:
            run.append(threshold)
        elif run:
            yield run[0], run[-1]
            run = []
    if run:
        yield run[0], run[-1]


def _span(first: float, last: float) -> str:
    return _percent(first) if first == last else f"{_percent(first)} to {_percent(last)}"


def _at(report: Report, arm: str, place: int) -> str:
    """What acting from one risk is worth in 100 patients; empty where it cannot be told."""
    curve = report.decision_curve
    threshold, own = curve.thresholds[place], curve.net_benefit[arm][place]
    of_all = curve.net_benefit["treat_all"][place]
    if own is None or of_all is None:
        return ""
    lo, hi = curve.intervals[arm][place]
    ends = "" if lo is None or hi is None else f" ({_hundredfold(lo)} to {_hundredfold(hi)})"
    worth = (
        f"Acting from {_percent(threshold)} by {shown_arm(arm, report)} is worth as much as treating "
        f"{_hundredfold(own)}{ends} of 100 patients, all of whom would have the event ({outcome_of(report)})"
    )
    if of_all <= 0:
        return f"{worth}; treating all is worth less than treating none."
    spared = 100 * (own - of_all) * (1 - threshold) / threshold
    return (
        f"{worth}; treating all is worth {_hundredfold(of_all)}. The difference is as large as "
        f"{shown_number(spared, 1)} fewer of 100 treated without need."
    )


def _hundredfold(benefit: float) -> str:
    return shown_number(100 * benefit, 1)


def _percent(threshold: float) -> str:
    return f"{100 * threshold:.3g}\N{NO-BREAK SPACE}%"
