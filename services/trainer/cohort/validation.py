"""Checks that a cohort supports the analysis, and leaves out horizons and columns that it does not support."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.duplicates import duplicate_rows
from services.trainer.errors import OneOutcomeError, UnusableCohortError
from shared.words import counted

MIN_EVENTS = 5
MIN_AT_RISK = 5
"""A horizon counts where at least so many patients are followed up to it."""


def validate_cohort(cohort: Cohort, folds: int = 1) -> tuple[Cohort, list[str]]:
    """The cohort with the horizons that its follow-up reaches, and a sentence for each thing that was left out.

    Raises:
        UnusableCohortError: too few events for `folds` folds, all patients alike, or no horizon within follow-up.
        LeakError: a patient stands there twice.
    """
    _check_events(cohort, folds)
    kept = tuple(years for years in cohort.profile.horizons_years if _followed(cohort, years))
    if not kept:
        raise UnusableCohortError(
            f"the first horizon is {cohort.profile.horizons_years[0]:g} years, but fewer than {MIN_AT_RISK} patients "
            f"are followed that long; follow-up ends at {cohort.outcome.time.max():.2f} years"
        )
    notes = [*_horizons_left_out(cohort, kept), *_constant_columns(cohort), *duplicate_rows(cohort)]
    kept = kept if cohort.has_times else kept[:1]
    notes += [f"{count} by {years:g} years; {why}" for years in kept for count, why in _few_events(cohort, years)]
    profile = cohort.profile.model_copy(update={"horizons_years": kept})
    return replace(cohort, profile=profile), notes


def _horizons_left_out(cohort: Cohort, kept: tuple[float, ...]) -> Iterator[str]:
    for years in cohort.profile.horizons_years:
        if years not in kept:
            yield f"the horizon of {years:g} years lies past the follow-up and was left out"
    if not cohort.has_times:
        yield (
            f"the outcome has no time, so it is a yes or no by {kept[0]:g} years: C is the AUC there, the Brier "
            "score that of one time, and nothing is said of follow-up or of other horizons"
        )


def _few_events(cohort: Cohort, years: float) -> Iterator[tuple[str, str]]:
    """How few events there are by a horizon, and what that means."""
    events = int((cohort.outcome.is_event & (cohort.outcome.time <= years)).sum())
    if events == 0:
        yield (
            "no event of interest happens",
            "figures that need one are not estimable there, and a threshold is the median risk",
        )
    elif events < MIN_EVENTS:
        yield f"only {counted(events, 'event')} of interest happen{'s' * (events == 1)}", "figures there say little"


def _check_events(cohort: Cohort, folds: int) -> None:
    events = int(cohort.outcome.is_event.sum())
    meaning = cohort.profile.outcome.codes[cohort.profile.outcome.causes[1]]
    needed = max(MIN_EVENTS, folds)
    if events < needed:
        known = counted(events, "event") if events else "no event"
        raise UnusableCohortError(
            f"the cohort of {counted(len(cohort), 'patient')} has {known} of interest ({meaning}); "
            f"at least {needed} are needed{f' for {folds} folds' if folds > MIN_EVENTS else ''}"
        )
    if not cohort.has_times and events == len(cohort):
        raise OneOutcomeError(f"every patient of the cohort has the event ({meaning}), so nothing tells them apart")
    if not cohort.has_times and len(cohort) - events < folds:
        raise OneOutcomeError(f"only {len(cohort) - events} patients are without the event ({meaning})")


def _followed(cohort: Cohort, years: float) -> bool:
    """Known at the horizon: still under observation then."""
    return int((cohort.outcome.time >= years).sum()) >= MIN_AT_RISK


def _constant_columns(cohort: Cohort) -> list[str]:
    notes = []
    for variable, column in zip(cohort.profile.variables, cohort.values.T, strict=True):
        known = column[~np.isnan(column)]
        if not len(known):
            notes.append(f"{variable.name} is known of no patient and was left out")
        elif np.ptp(known) == 0:
            notes.append(f"{variable.name} is the same for all of whom it is known, so it was left out")
    return notes
