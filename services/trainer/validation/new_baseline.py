"""Baseline hazards of a fitted model anew on other patients, with its weights as they are."""

from collections.abc import Callable, Mapping

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.cox import Sample, baseline
from services.trainer.cohort.cohort import Outcome
from shared.arrays import Flags, Floats
from shared.model.arm import Arm
from shared.model.column import design_matrix
from shared.model.hazards import Cause, Fit, Trees, log_hazards
from shared.model.incidence import cumulative_incidence

_WIDEST = np.linspace(-12.0, 12.0, 6001)
"""Log hazard ratios over which risks are read off."""


def with_new_baselines(arm: Arm, fitted: Patients, trees: Mapping[str, Trees], until: float) -> Arm:
    """The model with the cumulative baseline hazards of the patients `fitted`, by Breslow with Efron's ties.

    Past `until` years, which their follow-up reaches, a hazard rises as before, times the ratio there. A cause of which
    they have no event keeps its baseline. Refits move in the same ratio, so that an interval stays as wide.
    """
    cohort, design = fitted.cohort, design_matrix(arm.columns, fitted.case_values)
    last = int(np.searchsorted(arm.times_years, until - 1e-9))
    happened = _happened(cohort.outcome, len(arm.fit.causes), len(cohort.profile.outcome.causes) - 1)
    pairs = []
    for cause, events in zip(arm.fit.causes, happened, strict=True):
        sample = Sample.of(log_hazards(cause.log_hazard, design, trees)[:, None], cohort.outcome.time, events)
        new = baseline(sample, np.ones(1), arm.times_years)
        pairs.append((cause.baseline, _extended(new, cause.baseline, last) if events.any() else cause.baseline))
    fits = [_moved(fit, pairs) for fit in (arm.fit, *arm.refits)]
    return arm.model_copy(update={"fit": fits[0], "refits": tuple(fits[1:])})


def _happened(outcome: Outcome, causes: int, known: int) -> list[Flags]:
    """Events [n] of each cause of a model; one competing cause holds all, where the profile has several."""
    codes = range(2, causes + 1)
    pooled = causes == 2 < known
    competing = [outcome.event > 1] if pooled else [outcome.event == code for code in codes]
    return [outcome.is_event, *(np.asarray(events, np.bool_) for events in competing)]


def _extended(new: Floats, old: Floats, last: int) -> Floats:
    """New cumulative hazards [m], past the place `last` the old ones times the ratio there."""
    ratio = new[last] / old[last] if old[last] > 0 else 1.0
    return np.where(np.arange(len(new)) > last, np.maximum(ratio * old, new[last]), new)


def _moved(fit: Fit, pairs: list[tuple[Floats, Floats]]) -> Fit:
    """A fit or refit whose baselines move as those of the fit do, from old to new."""
    causes = [_times(cause, old, new) for cause, (old, new) in zip(fit.causes, pairs, strict=True)]
    return Fit(event=causes[0], competing=tuple(causes[1:]))


def _times(cause: Cause, old: Floats, new: Floats) -> Cause:
    ratio = np.divide(new, old, out=np.zeros_like(new), where=old > 0)
    moved = np.where(old > 0, cause.baseline * ratio, new)
    return cause.model_copy(update={"baseline": np.maximum.accumulate(moved)})


def moved_risk(old: Arm, new: Arm, years: float) -> Callable[[Floats], Floats]:
    """What a risk of the old model by `years` is by the new one, with what competes as in the average patient."""
    before, after = (_risks(arm, years) for arm in (old, new))
    return lambda risk: np.interp(risk, before, after)


def _risks(arm: Arm, years: float) -> Floats:
    causes = arm.fit.causes
    levels = [_WIDEST, *(np.zeros(len(_WIDEST)) for _ in causes[1:])]
    baselines = [cause.baseline for cause in causes]
    return cumulative_incidence(arm.times_years, baselines, levels, np.array([years]))[:, 0]
