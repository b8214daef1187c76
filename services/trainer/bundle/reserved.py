"""Reservations about the models of a bundle, and about slides that are in none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import LEAST_EVENTS, blocks_without_weight
from services.trainer.arms.rule import ClinicalRule, flagged
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.metrics.bootstrap import FEWER, Bootstrap
from services.trainer.metrics.decision import threshold_for
from services.trainer.reservations import AssessedModel, reservation, without_weight
from shared.words import counted

LEAST_REFITS = 40
"""With fewer, the ends of a 90 % interval are about the smallest and the largest refit: it is too narrow."""


@dataclass(frozen=True)
class BundleReservations:
    """What speaks against a bundle as a whole, and against single models by name."""

    of_all: tuple[str, ...]
    by_arm: Mapping[str, tuple[str, ...]]
    """Models without a reservation are not in it."""

    @property
    def sentences(self) -> tuple[str, ...]:
        """All of them."""
        return (*self.of_all, *(sentence for doubts in self.by_arm.values() for sentence in doubts))


def reserved(arms: Sequence[ServedArm], patients: Patients) -> BundleReservations:
    """Reservations about each of `arms`, assessed on patients who were left out of every step."""
    of_all = _few_refits(arms) + _without_weight(arms, patients) + _slides_unread(arms, patients)
    by_arm = {arm.name: tuple(filter(None, (_slides_at_0(arm, patients), _assessed(arm, patients)))) for arm in arms}
    return BundleReservations(of_all, {name: doubts for name, doubts in by_arm.items() if doubts})


def _assessed(arm: ServedArm, patients: Patients) -> str:
    if not arm.design.shape[1]:
        return f"Model {arm.name}: gives every patient the same risk."
    cohort, years = patients.cohort, patients.cohort.profile.horizons_years[0]
    outcome, risk = cohort.outcome[arm.members], arm.out_of_fold.risk[:, arm.model.horizon]
    has_rule = ClinicalRule().unavailable_reason(patients) is None
    return reservation(
        AssessedModel(
            title=f"Model {arm.name}",
            outcome=outcome,
            years=years,
            log_risks=(arm.out_of_fold.log_risk,),
            risks=(risk,),
            flagged=np.asarray(risk >= threshold_for(outcome, risk, years), np.bool_)[None],
            by_rule=flagged(patients)[arm.members] > 0 if has_rule else None,
            columns=arm.design.shape[1],
            draws=Bootstrap.of(len(arm.members), patients.seed, FEWER),
            has_times=cohort.has_times,
        )
    )


def _few_refits(arms: Sequence[ServedArm]) -> tuple[str, ...]:
    refits = len(arms[0].refits)
    if refits >= LEAST_REFITS:
        return ()
    return (
        f"Intervals of risks come from {counted(refits, 'refit')}, fewer than {LEAST_REFITS}; they may be too narrow, "
        "and a case may look clear that is not.",
    )


def _without_weight(arms: Sequence[ServedArm], patients: Patients) -> tuple[str, ...]:
    """A sentence for each block of slides or vectors that is in an arm of its own alone."""
    profile = patients.cohort.profile
    alone = [block for block in blocks_without_weight(patients, patients.views) if _reads(arms, block)]
    return tuple(without_weight(profile.title_of(block), "this bundle") for block in alone)


def _slides_at_0(arm: ServedArm, patients: Patients) -> str:
    """A sentence where slides differ, but `arm`, which reads them, has no weight of their log-risk."""
    slides = patients.cohort.profile.slides
    if slides is None or slides.name not in patients.views or slides.name not in arm.pattern:
        return ""
    weights = list(zip(arm.model.arm.columns, arm.model.arm.fit.event.coefficients, strict=True))
    counts = any(weight for column, weight in weights if column.variable == slides.log_risk)
    if counts or not weights:
        return ""
    return without_weight(slides.title, f"model {arm.name}", f"the patients with {slides.title}")


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
