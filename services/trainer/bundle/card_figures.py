"""Measures what a model card says: every model of a bundle on patients who were left out of every step."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.registry import record_arm
from services.trainer.bundle.equation import equation
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort_summary import cohort_summary, reported_profile
from services.trainer.metrics import calibration, discrimination
from services.trainer.metrics.bootstrap import FEWER, NO_FIGURE, Bootstrap, Figure
from services.trainer.metrics.decision import threshold_for
from services.trainer.metrics.delong import delong
from services.trainer.metrics.statistic import Difference, Statistic
from services.trainer.report_model.arms import Subgroup
from services.trainer.report_model.card import CardArm, CardGain, CardVectors, ModelCard
from services.trainer.report_model.equation import ModelEquation
from services.trainer.report_model.patients import PrototypeRow
from shared.model.thresholds import GroupRule, Proportion

_LEAST = 5
"""A subgroup with fewer events gets no figure."""


@dataclass(frozen=True)
class CardFacts:
    """What the card describes."""

    cohort: Cohort
    embeddings: Embeddings | None
    arms: Sequence[ServedArm]
    rules: Mapping[str, GroupRule]
    notes: Sequence[str]
    seed: int
    refits: int
    reservations: Sequence[str] = ()
    prototypes: Sequence[PrototypeRow] = ()
    claim: str = ""


def card_of(facts: CardFacts) -> ModelCard:
    """The card, the same for the same facts."""
    cohort, embeddings = facts.cohort, facts.embeddings
    widest = facts.rules[facts.arms[0].name].widest
    has_slides = embeddings.has(cohort.case_ids) if embeddings else None
    return ModelCard(
        profile=reported_profile(cohort),
        simulated=cohort.simulated,
        horizons_years=cohort.profile.horizons_years,
        cohort=cohort_summary(cohort, has_slides, Bootstrap.of(len(cohort), facts.seed, FEWER)),
        notes=tuple(facts.notes),
        reservations=tuple(facts.reservations),
        arms=tuple(_arm(arm, facts) for arm in facts.arms),
        gain=_gain(facts),
        claim=facts.claim,
        subgroups=_subgroups(facts),
        seed=facts.seed,
        refits=facts.refits,
        widest=widest.width,
        widest_basis=widest.basis,
        encoder=embeddings.encoder_name if embeddings else None,
        vectors=tuple(_vectors(cohort)),
        prototypes=tuple(facts.prototypes),
        equations=tuple(_equations(facts)),
    )


def _equations(facts: CardFacts) -> Iterator[ModelEquation]:
    first, record = facts.arms[0], record_arm(facts.cohort.profile)
    for arm in facts.arms:
        if arm is first or arm.name == record:
            yield equation(arm.name, arm.model.arm, facts.cohort.profile)


def _vectors(cohort: Cohort) -> Iterator[CardVectors]:
    """Blocks of vectors in the order of the profile."""
    for block in cohort.profile.vectors:
        if vectors := cohort.vectors.get(block.name):
            columns, n = len(vectors.columns), int(vectors.known.sum())
            yield CardVectors(title=block.title, columns=columns, n=n, digest=vectors.digest)


def _arm(arm: ServedArm, facts: CardFacts) -> CardArm:
    profile, years = facts.cohort.profile, facts.cohort.profile.horizons_years[0]
    outcome, risk = facts.cohort.outcome[arm.members], arm.out_of_fold.risk[:, arm.model.horizon]
    operating = facts.rules[arm.name].operating
    return CardArm(
        name=arm.name,
        needs=tuple(block.title for block in profile.blocks if block.name in arm.pattern),
        n=len(outcome),
        harrell_c=_figure(discrimination.harrell_c(outcome, arm.out_of_fold.log_risk), len(outcome), facts),
        o_e=_figure(calibration.observed_over_expected(outcome, risk, years), len(outcome), facts),
        threshold=threshold_for(outcome, risk, years),
        sensitivity=_shown(operating.sensitivity if operating else None),
        specificity=_shown(operating.specificity if operating else None),
    )


def _shown(share: Proportion | None) -> Figure:
    return Figure(share.est, share.lo, share.hi).rounded() if share else NO_FIGURE


def _gain(facts: CardFacts) -> CardGain | None:
    profile = facts.cohort.profile
    record = next((arm for arm in facts.arms if arm.name == record_arm(profile)), None)
    fused = facts.arms[0]
    if record is None or not record.pattern < fused.pattern:
        return None
    place = np.searchsorted(record.members, fused.members)
    outcome, first = facts.cohort.outcome[fused.members], fused.out_of_fold.log_risk
    second = record.out_of_fold.log_risk[place]
    if facts.cohort.has_times:
        of_first, of_second = (discrimination.harrell_c(outcome, log_risk) for log_risk in (first, second))
        gain = _figure(Difference(of_first, of_second), len(outcome), facts)
    else:
        compared = delong(outcome, [first], [second], profile.horizons_years[0]).rounded()
        gain = Figure(compared.est, compared.lo, compared.hi)
    return CardGain(a=fused.name, b=record.name, n=len(outcome), gain=gain)


def _subgroups(facts: CardFacts) -> tuple[Subgroup, ...]:
    """C of the first model in every subgroup of the profile with enough events."""
    arm, profile = facts.arms[0], facts.cohort.profile
    inside = facts.cohort.take(arm.members)
    rows = []
    for name, text in profile.subgroups.items():
        index = np.flatnonzero(inside.holds(profile.expression(text)))
        outcome, events = inside.outcome[index], int(inside.outcome.is_event[index].sum())
        figures = {}
        if events >= _LEAST:
            statistic = discrimination.harrell_c(outcome, arm.out_of_fold.log_risk[index])
            figures[arm.name] = _figure(statistic, len(index), facts)
        rows.append(Subgroup(name=name, n=len(index), events=events, harrell_c=figures))
    return tuple(rows)


def _figure(statistic: Statistic, patients: int, facts: CardFacts) -> Figure:
    return Bootstrap.of(patients, facts.seed, FEWER).figure(statistic).rounded()
