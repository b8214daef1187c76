"""Reservations about the first model of a bundle, and about slides that are in none."""

from collections.abc import Sequence

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import LEAST_EVENTS
from services.trainer.arms.rule import ClinicalRule, flagged
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.metrics.decision import threshold_for
from services.trainer.reservations import AssessedModel, reservations, slides_without_weight
from shared.words import counted

LEAST_REFITS = 40
"""With fewer, the ends of a 90 % interval are about the smallest and the largest refit: it is too narrow."""


def reserved(arms: Sequence[ServedArm], patients: Patients) -> tuple[str, ...]:
    """Reservations about the first of `arms`, assessed on patients who were left out of every step."""
    arm = arms[0]
    cohort, profile = patients.cohort, patients.cohort.profile
    outcome, risk = cohort.outcome[arm.members], arm.out_of_fold.risk[:, arm.model.horizon]
    limit = threshold_for(outcome, risk, profile.horizons_years[0])
    has_rule = ClinicalRule().unavailable_reason(patients) is None
    others = _few_refits(arm) + _without_slides(arm, patients) + _slides_unread(arms, patients)
    return others + reservations(
        AssessedModel(
            title=f"Model {arm.name}",
            outcome=outcome,
            log_risks=(arm.out_of_fold.log_risk,),
            flagged=np.asarray(risk >= limit, np.bool_)[None],
            by_rule=flagged(patients)[arm.members] > 0 if has_rule else None,
            columns=arm.design.shape[1],
        )
    )


def _few_refits(arm: ServedArm) -> tuple[str, ...]:
    if len(arm.refits) >= LEAST_REFITS:
        return ()
    return (
        f"Model {arm.name}: its intervals come from {counted(len(arm.refits), 'refit')}, fewer than {LEAST_REFITS}; "
        "they may be too narrow, and a case may look clear that is not.",
    )


def _without_slides(arm: ServedArm, patients: Patients) -> tuple[str, ...]:
    """A sentence where `arm` is of patients with slides and has no weight of their log-risk."""
    slides = patients.cohort.profile.slides
    if slides is None or slides.name not in patients.views or slides.name not in arm.pattern:
        return ()
    weights = zip(arm.model.arm.columns, arm.model.arm.fit.event.coefficients, strict=True)
    counts = any(weight for column, weight in weights if column.variable == slides.log_risk)
    return () if counts else (slides_without_weight("the models that read them"),)


def _slides_unread(arms: Sequence[ServedArm], patients: Patients) -> tuple[str, ...]:
    """A sentence where slides were given and no model reads them."""
    slides = patients.cohort.profile.slides
    if slides is None or slides.name not in patients.views or any(slides.name in arm.pattern for arm in arms):
        return ()
    has = patients.has_blocks([slides.name])
    events = counted(int(patients.cohort.outcome.is_event[has].sum()), "event")
    return (
        f"Slides are in no model: {counted(int(has.sum()), 'patient')} with slides and {events} are too few, "
        f"at least {LEAST_EVENTS} events are needed for one.",
    )
