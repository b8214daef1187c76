"""Counts of a cohort: events, follow-up, incidence, sites."""

import numpy as np

from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.metrics.incidence import survival
from services.trainer.metrics.incidence_band import incidence_band
from services.trainer.report_model.patients import CohortSummary, FollowUp, ReportedProfile
from shared.arrays import Flags


def reported_profile(cohort: Cohort) -> ReportedProfile:
    """What reports and model cards say of the profile."""
    profile = cohort.profile
    return ReportedProfile(
        name=profile.name,
        title=profile.title,
        population=profile.population,
        prediction_time=profile.prediction_time,
        has_times=cohort.has_times,
        labels={variable.name: variable.shown for variable in profile.predictors},
        blocks=profile.blocks,
    )


def cohort_summary(cohort: Cohort, has_slides: Flags | None, bootstrap: Bootstrap) -> CohortSummary:
    """Patients, events by code with their meaning, follow-up, missing values."""
    outcome = cohort.outcome
    codes = cohort.profile.outcome.codes
    causes = cohort.profile.outcome.causes
    return CohortSummary(
        name=cohort.name,
        n=len(cohort),
        events={code: int((outcome.event == i).sum()) for i, code in enumerate(causes)},
        meanings={code: codes[code] for code in causes},
        event_of_interest=causes[1],
        follow_up_years=_follow_up(cohort),
        incidence=_incidence(cohort, bootstrap),
        sites=len(set(cohort.sites)) if all(cohort.sites) else None,
        with_slides=int(has_slides.sum()) if has_slides is not None else 0,
        digest=cohort.digest,
    )


def _incidence(cohort: Cohort, bootstrap: Bootstrap) -> dict[float, Figure]:
    """Aalen-Johansen at every horizon."""
    years = cohort.profile.horizons_years
    return dict(zip(years, incidence_band(cohort.outcome, np.array(years), bootstrap.fewer.weights), strict=True))


def _follow_up(cohort: Cohort) -> FollowUp:
    """Median by reverse Kaplan-Meier, and the longest; nothing where the outcome has no times."""
    if not cohort.has_times:
        return FollowUp(median=None, longest=None)
    outcome = cohort.outcome
    times = np.unique(outcome.time)
    free = survival(Outcome(outcome.time, (outcome.event == 0).astype(np.int64)), times)
    median = rounded(float(times[np.argmax(free <= 0.5)])) if (free <= 0.5).any() else None
    return FollowUp(median=median, longest=rounded(float(outcome.time.max())))
