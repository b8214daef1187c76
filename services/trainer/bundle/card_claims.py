"""What a bundle's first model gains in sensitivity and specificity over the record's first block and the rule."""

from collections.abc import Iterator, Sequence

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.registry import PRIMARY, first_record_arm
from services.trainer.arms.rule import ClinicalRule, flagged
from services.trainer.bundle.served_arms import ServedArm, by_name
from services.trainer.metrics.bootstrap import FEWER, Bootstrap, Contrast, holm
from services.trainer.metrics.decision import operating
from services.trainer.metrics.matched import LEVEL, Constant, sensitivity_at, specificity_at
from services.trainer.metrics.statistic import Difference, Statistic
from services.trainer.rate_gains import RateGain, held_at, rates_sentence

_Compared = tuple[str, str, str, Statistic]
"""Against what, rate, what is held, and the difference."""


def card_claims(arms: Sequence[ServedArm], patients: Patients) -> str:
    """In one sentence, on the patients of the first model, who were left out of every step; empty without a baseline.

    A gain counts as shown where its interval lies above 0 and its p-value holds by Holm among those of the sentence.
    """
    first, profile = arms[0], patients.cohort.profile
    compared = [*_against_the_record(arms, patients), *_against_the_rule(first, patients)]
    draws = Bootstrap.of(len(first.members), patients.seed, FEWER)
    contrasts: list[Contrast] = [draws.contrast(difference) for *_, difference in compared]
    gains = [
        RateGain(against, rate, at, contrast, p_holm)
        for (against, rate, at, _), contrast, p_holm in zip(
            compared, contrasts, holm([contrast.p for contrast in contrasts]), strict=True
        )
    ]
    model = "all blocks together" if first.name == PRIMARY else f"model {first.name}"
    return rates_sentence(model, profile.horizons_years[0], gains)


def _against_the_record(arms: Sequence[ServedArm], patients: Patients) -> Iterator[_Compared]:
    """Both rates at a fixed level."""
    first, profile = arms[0], patients.cohort.profile
    record = by_name(list(arms)).get(first_record_arm(profile))
    if record is None or not record.pattern < first.pattern:
        return
    outcome, years = patients.cohort.outcome[first.members], profile.horizons_years[0]
    place = np.searchsorted(record.members, first.members)
    risks = [first.out_of_fold.risk[:, first.model.horizon], record.out_of_fold.risk[place, record.model.horizon]]
    against = f"{profile.title_of(profile.record_blocks[0])} variables alone"
    for rate, held, read in (
        ("sensitivity", "specificity", sensitivity_at),
        ("specificity", "sensitivity", specificity_at),
    ):
        own, other = (read(outcome, risk, years, Constant(LEVEL)) for risk in risks)
        yield against, rate, held_at(held, LEVEL, is_own=False), Difference(own, other)


def _against_the_rule(first: ServedArm, patients: Patients) -> Iterator[_Compared]:
    """Both rates where the other one is the rule's own."""
    if ClinicalRule().unavailable_reason(patients) is not None:
        return
    outcome, years = patients.cohort.outcome[first.members], patients.cohort.profile.horizons_years[0]
    rule = operating(outcome, flagged(patients)[first.members] > 0, years)
    risk, everyone = first.out_of_fold.risk[:, first.model.horizon], np.ones((1, len(outcome)))
    for rate, held, read, level, own in (
        ("sensitivity", "specificity", sensitivity_at, rule.specificity, rule.sensitivity),
        ("specificity", "sensitivity", specificity_at, rule.sensitivity, rule.specificity),
    ):
        value = float(level(everyone)[0])
        at = held_at(held, value if np.isfinite(value) else None, is_own=True)
        yield "the rule", rate, at, Difference(read(outcome, risk, years, level), own)
