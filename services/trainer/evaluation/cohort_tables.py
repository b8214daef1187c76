"""Who the patients of a cohort are: counts, follow-up, incidence, and every variable."""

import numpy as np

from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.incidence_band import incidence_band
from services.trainer.metrics.bootstrap import Bootstrap, Figure, rounded
from services.trainer.metrics.incidence import survival
from services.trainer.report_model.patients import CohortSummary, CountedCell, FollowUp, MeasuredCell, VariableRow
from shared.arrays import Flags, Floats


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


def table_one(cohort: Cohort) -> tuple[VariableRow, ...]:
    """Every variable: median and quartiles, or counts; and how many are missing; by whether the event happened."""
    rows = []
    for variable in cohort.profile.variables:
        values = cohort.column(variable.name)
        cells = tuple(_cell(values[mask], variable.levels) for mask in _columns(cohort))
        rows.append(VariableRow(variable=variable.name, unit=variable.unit, block=variable.block, cells=cells))
    return tuple(rows)


def _columns(cohort: Cohort) -> tuple[Flags, Flags, Flags]:
    is_event = cohort.outcome.is_event
    return np.ones(len(cohort), np.bool_), is_event, ~is_event


def _cell(values: Floats, levels: tuple[str, ...]) -> CountedCell | MeasuredCell:
    known = values[~np.isnan(values)]
    missing = len(values) - len(known)
    if levels:
        counts = np.bincount(known.astype(np.int64), minlength=len(levels))
        return CountedCell(missing=missing, counts=dict(zip(levels, counts.tolist(), strict=True)))
    if not len(known):
        return MeasuredCell(missing=missing, quartiles=None)
    quartiles = tuple(rounded(float(q), 4) for q in np.quantile(known, [0.25, 0.5, 0.75]))
    return MeasuredCell(missing=missing, quartiles=quartiles)
