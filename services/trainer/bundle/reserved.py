"""Reservations about the first model of a bundle, and about slides that are in none."""

from collections.abc import Sequence

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import LEAST_EVENTS, blocks_without_weight
from services.trainer.arms.rule import ClinicalRule, flagged
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.metrics.decision import threshold_for
from services.trainer.reservations import AssessedModel, reservations, without_weight
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
    others = _few_refits(arm) + _without_weight(arms, patients) + _slides_unread(arms, patients)
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


def _without_weight(arms: Sequence[ServedArm], patients: Patients) -> tuple[str, ...]:
    """A sentence for each block of slides or vectors that is in an arm of its own alone, or that the first gives 0."""
    profile = patients.cohort.profile
    alone = [block for block in blocks_without_weight(patients, patients.views) if _reads(arms, block)]
    sentences = tuple(without_weight(profile.title_of(block), "this bundle") for block in alone)
    return sentences + _slides_at_0(arms[0], patients)


def _slides_at_0(arm: ServedArm, patients: Patients) -> tuple[str, ...]:
    """A sentence where slides differ, but `arm`, which reads them beside others, has no weight of their log-risk."""
    slides = patients.cohort.profile.slides
    if slides is None or slides.name not in patients.views or slides.name not in arm.pattern:
        return ()
    weights = list(zip(arm.model.arm.columns, arm.model.arm.fit.event.coefficients, strict=True))
    counts = any(weight for column, weight in weights if column.variable == slides.log_risk)
    if counts or not weights:
        return ()
    return (without_weight(slides.title, f"model {arm.name}", f"the patients with {slides.title}"),)


def _reads(arms: Sequence[ServedArm], block: str) -> bool:
    return any(block in arm.pattern for arm in arms)


def _slides_unread(arms: Sequence[ServedArm], patients: Patients) -> tuple[str, ...]:
    """A sentence where slides were given and no model reads them."""
    slides = patients.cohort.profile.slides
    if slides is None or slides.name not in patients.views or _reads(arms, slides.name):
        return ()
    has = patients.has_blocks([slides.name])
    events = counted(int(patients.cohort.outcome.is_event[has].sum()), "event")
    return (
        f"Slides are in no model: {counted(int(has.sum()), 'patient')} with slides and {events} are too few, "
        f"at least {LEAST_EVENTS} events are needed for one.",
    )
