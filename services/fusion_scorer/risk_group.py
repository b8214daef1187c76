"""The risk group of a score, and how far its interval lets it be read."""

from medulla.v1.scorer_pb2 import Certainty, Score

from shared.model.bundle import Bundle
from shared.model.certainty import Interval, certainty_of
from shared.model.prediction import ArmPrediction
from shared.model.thresholds import GroupRule


def group_rule(bundle: Bundle, arm: str) -> GroupRule | None:
    """The rule of an arm's groups; None where it has none at a horizon of the profile."""
    rule = bundle.thresholds.arms.get(arm)
    return rule if rule and rule.horizon_years in bundle.manifest.profile.horizons_years else None


def group_horizon(bundle: Bundle, arm: str) -> float:
    """The horizon of an arm's risk groups; the first one without groups."""
    rule = group_rule(bundle, arm)
    return rule.horizon_years if rule else bundle.manifest.profile.horizons_years[0]


def set_group(answer: Score, bundle: Bundle, prediction: ArmPrediction) -> None:
    """State certainty and rule; the group only where its interval lies within it."""
    rule, years = group_rule(bundle, answer.model), group_horizon(bundle, answer.model)
    place = prediction.horizons_years.index(years)
    risk, lo, hi = (float(values[0, place]) for values in (prediction.risk, prediction.lo, prediction.hi))
    certainty = certainty_of(rule, Interval(years, lo, hi, prediction.level))
    answer.certainty.CopyFrom(
        Certainty(state=certainty.state, rule=certainty.rule, width=certainty.width, limit=certainty.limit)
    )
    if rule:
        answer.risk_group_rule = rule.explained(risk)
        answer.risk_group = rule.group_of(risk) if certainty.state == "clear" else ""
