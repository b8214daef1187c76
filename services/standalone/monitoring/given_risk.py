"""The risk of a score's message, as monitoring reads it."""

from collections.abc import Iterator
from datetime import date

import numpy as np
from medulla.v1.scorer_pb2 import Score

from services.trainer.monitoring.followed import Abstention, GivenRisk
from services.trainer.monitoring.given_hazard import cumulative_hazard, event_free_probability
from shared.arrays import Floats
from shared.model.profile import Profile
from shared.model.variable import Value, Variable

MISSING = "missing"
"""Written as the value of a variable that the case lacked."""


def given_risk(score: Score, profile: Profile, given_on: date | None, site: str) -> GivenRisk | Abstention | None:
    """An abstention where the scorer abstained; None where the score has no curve over time."""
    if score.abstained:
        return Abstention(score.case_id, score.provenance.bundle_digest)
    if len(score.incidence.years) < 2 or not score.risks:
        return None
    years, risk = np.array(score.incidence.years), np.array(score.incidence.risk)
    return GivenRisk(
        case_id=score.case_id,
        bundle=score.provenance.bundle_digest,
        bundle_name=score.provenance.bundle_name,
        simulated=score.simulated,
        log_risk=score.log_risk,
        percentile=score.percentile,
        years=years,
        risk=risk,
        hazard=cumulative_hazard(years, risk, _event_free(score, years, risk)),
        horizon_years=score.risks[0].horizon_years,
        given_on=given_on,
        site=site,
        values=_values(score, profile),
        missing=_missing(score, profile),
        out_of_distribution=score.out_of_distribution.flagged,
    )


def _event_free(score: Score, years: Floats, risk: Floats) -> dict[float, float]:
    """Probability of no event of any kind by each landmark of the score, from its latest horizon."""
    known: dict[float, float] = {}
    for item in sorted(score.event_free_risks, key=lambda each: each.horizon_years):
        by_landmark, by_horizon = np.interp([item.event_free_years, item.horizon_years], years, risk)
        free = event_free_probability(float(by_landmark), float(by_horizon), item.risk)
        if free is not None:
            known[item.event_free_years] = min(1.0, free)
    return known


def _variables(score: Score, profile: Profile) -> Iterator[tuple[Variable, str]]:
    """The variables of the record that the model reads, each with its value as written."""
    for item in score.contributions:
        if variable := next((each for each in profile.variables if each.name == item.variable), None):
            yield variable, item.value


def _values(score: Score, profile: Profile) -> dict[str, Value]:
    read = ((variable.name, _value(variable, text)) for variable, text in _variables(score, profile))
    return {name: value for name, value in read if value is not None}


def _value(variable: Variable, text: str) -> Value | None:
    """A value as the profile has it; None where it is missing, or of another profile."""
    if variable.levels:
        return text if text in variable.levels else None
    try:
        return float(text)
    except ValueError:
        return None


def _missing(score: Score, profile: Profile) -> frozenset[str]:
    variables = (variable.shown for variable, text in _variables(score, profile) if text == MISSING)
    return frozenset([*score.modalities_missing, *variables])
