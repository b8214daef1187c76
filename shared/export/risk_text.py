"""How sure a risk is and what stands beside it, in sentences for the terminal and the report."""

from collections.abc import Iterator
from itertools import groupby

from medulla.v1.scorer_pb2 import EventFreeRisk, HorizonRisk, MissingVariable, Score

from shared.export import score_text
from shared.ranks import percentile_rank
from shared.words import listed

CLEAR = "clear"
"""The state of certainty in which a score may have a risk group."""
_CERTAINTY = {
    CLEAR: "clear",
    "crosses_threshold": "not clear, it may be of either risk group",
    "too_uncertain": "too uncertain to be read",
}

_SMALLEST = 0.01
"""Smaller probabilities are shown as below it, and as far from one; services/results/page/words.js does the same."""
_GROUPS = {
    "below threshold": "lower risk, below the threshold of the training cohort",
    "above threshold": "higher risk, at or above the threshold of the training cohort",
}
"""Names in bundles of older programs, which say nothing by themselves."""


def group(score: Score) -> str:
    """The risk group by its name; empty where none is given."""
    return _GROUPS.get(score.risk_group, score.risk_group)


def is_clear(score: Score) -> bool:
    """Whether the risk may be read as one of its group; scores of older programs state no certainty."""
    return not score.HasField("certainty") or score.certainty.state == CLEAR


def certainty(score: Score) -> str:
    """The certainty of a risk in a few words."""
    return _CERTAINTY.get(score.certainty.state, score_text.plain(score.certainty.state))


def percent(probability: float) -> str:
    """A probability for people; none that is above 0 and below 1 reads as 0% or 100%."""
    if 0 < probability < _SMALLEST:
        return f"<{_SMALLEST:.0%}"
    return f">{1 - _SMALLEST:.0%}" if 1 - _SMALLEST < probability < 1 else f"{probability:.1%}"


def spread(risk: HorizonRisk | EventFreeRisk | MissingVariable) -> str:
    """The ends of an interval of risks."""
    return f"{percent(risk.lo)} to {percent(risk.hi)}"


def interval(risk: HorizonRisk | EventFreeRisk) -> str:
    """A risk with its interval."""
    return f"{percent(risk.risk)} ({risk.level:.0%} interval {spread(risk)})"


def event_free(score: Score) -> Iterator[str]:
    """For each time without an event, the risks that are left."""
    for years, risks in groupby(score.event_free_risks, key=lambda item: item.event_free_years):
        left = ", ".join(f"{interval(risk)} by {risk.horizon_years:g} years" for risk in risks)
        yield f"after {years:g} {'year' if years == 1 else 'years'} without any event: {left}"


def cohort(score: Score) -> str:
    """Where the risk lies among those of the training cohort; empty where that is not known."""
    if not score.HasField("cohort_risk"):
        return ""
    among, years = score.cohort_risk, score.cohort_risk.horizon_years
    risk = next(risk.risk for risk in score.risks if risk.horizon_years == years)
    rank, median = percentile_rank(risk, among.quantiles), among.quantiles[len(among.quantiles) // 2]
    return (
        f"Within {years:g} years higher than the risks of {rank:.0f} of 100 patients of the training cohort "
        f"({among.patients} patients, each by models fitted without them; median {percent(median)})."
    )


def record_only(score: Score) -> str:
    """The risks by the record alone beside those with all evidence; empty where the model reads nothing else."""
    alone = score.record_only
    if not alone.risks:
        return ""
    others = listed([title for title in score.modalities_used if title not in alone.modalities])
    moves = (
        f"{percent(before.risk)} within {after.horizon_years:g} years, with {others} {percent(after.risk)}"
        for before, after in zip(alone.risks, score.risks, strict=True)
    )
    return f"By {listed(alone.modalities)} alone: {'; '.join(moves)}."


def missing(item: MissingVariable) -> str:
    """What a missing value could change."""
    return (
        f"{item.label} is missing: the risk within {item.horizon_years:g} years would be {percent(item.lo)} "
        f"({item.lo_value}) to {percent(item.hi)} ({item.hi_value})"
    )


def missing_variables(score: Score) -> list[MissingVariable]:
    """Missing variables, the one that could move the risk most first."""
    return sorted(score.missing_variables, key=lambda item: item.lo - item.hi)


def rule(score: Score) -> str:
    """What the rule of the profile says, with the rule; empty where the profile has none."""
    if not score.rule.sentence:
        return ""
    return f"{score_text.sentence(score.rule.sentence)} It calls high risk: {score.rule.expression}."
