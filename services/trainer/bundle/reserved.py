"""What speaks against the first model of a bundle."""

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.arms.rule import ClinicalRule, flagged
from services.trainer.bundle.served_arms import ServedArm
from services.trainer.metrics.decision import threshold_for
from services.trainer.reservations import Tried, reservations


def reserved(arm: ServedArm, patients: Patients) -> tuple[str, ...]:
    """Of the model of all blocks, on patients who were left out of every step."""
    cohort, profile = patients.cohort, patients.cohort.profile
    outcome, risk = cohort.outcome[arm.members], arm.out_of_fold.risk[:, arm.model.horizon]
    limit = threshold_for(outcome, risk, profile.horizons_years[0])
    has_rule = ClinicalRule().unavailable_reason(patients) is None
    return reservations(
        Tried(
            title=f"Model {arm.name}",
            outcome=outcome,
            log_risks=(arm.out_of_fold.log_risk,),
            flagged=np.asarray(risk >= limit, np.bool_)[None],
            by_rule=flagged(patients)[arm.members] > 0 if has_rule else None,
            columns=arm.design.shape[1],
        )
    )
