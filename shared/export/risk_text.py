"""How sure a risk is and what stands beside it, in sentences for the terminal and the report."""

from collections.abc import Iterator
from itertools import groupby

from medulla.v1.scorer_pb2 import EventFreeRisk, HorizonRisk, MissingVariable, Score

from shared.export import score_text
from shared.ranks import percentile_rank

_CERTAINTY = {
    "clear": "clear",
    "crosses_threshold": "not clear, it may be of either risk group",
    "too_uncertain": "too uncertain to be read",
}

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
    return not score.HasField("certainty") or score.certainty.state == "clear"


def certainty(score: Score) -> str:
    """The certainty of a risk in a few words."""
    return _CERTAINTY.get(score.certainty.state, score_text.plain(score.certainty.state))


def interval(risk: HorizonRisk | EventFreeRisk) -> str:
    """A risk with its interval."""
    return f"{risk.risk:.1%} ({risk.level:.0%} interval {risk.lo:.1%} to {risk.hi:.1%})"


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
        f"({among.patients} patients, each by models fitted without them; median {median:.1%})."
    )


def record_only(score: Score) -> str:
    """The risks by the record alone beside those with all evidence; empty where the model reads nothing else."""
    alone = score.record_only
    if not alone.risks:
        return ""
    others = [title for title in score.modalities_used if title not in alone.modalities]
    moves = (
        f"{before.risk:.1%} within {after.horizon_years:g} years, with {' and '.join(others)} {after.risk:.1%}"
        for before, after in zip(alone.risks, score.risks, strict=True)
    )
    return f"By {' and '.join(alone.modalities)} alone: {'; '.join(moves)}."


def missing(item: MissingVariable) -> str:
    """What a missing value could change."""
    return (
        f"{item.label} is missing: the risk within {item.horizon_years:g} years would be {item.lo:.1%} "
        f"({item.lo_value}) to {item.hi:.1%} ({item.hi_value})"
    )
