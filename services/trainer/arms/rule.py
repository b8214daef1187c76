"""The profile's rule, high or standard risk, as a clinic would apply it."""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.arm import Fitted, Patients
from services.trainer.arms.scored import fit_scored
from shared.arrays import Floats

RULE = "rule"


@dataclass(frozen=True)
class ClinicalRule:
    """One yes or no; nothing of it is fitted but the risks of its two groups."""

    name: str = RULE
    title: str = "Clinical rule"

    def unavailable_reason(self, patients: Patients) -> str | None:
        """A rule that puts patients into both groups."""
        if not patients.cohort.profile.rule:
            return "the profile has no rule"
        flags = flagged(patients)
        return None if 0 < flags.sum() < len(flags) else "the rule puts all patients into one group"

    def fit(self, train: Patients) -> Fitted:
        """Estimate the risk of either group; its yes or no alone orders patients."""
        return fit_scored(train, flagged(train), flagged, keeps_order=True)


def flagged(patients: Patients) -> Floats:
    """1 for patients at high risk by the rule, else 0, [n]."""
    profile = patients.cohort.profile
    return np.asarray(patients.cohort.holds(profile.expression(profile.rule)), np.float64)
