"""Reservations about the model that a report is about."""

import numpy as np

from services.trainer.arms.registry import PRIMARY
from services.trainer.arms.rule import RULE
from services.trainer.evaluation.contrasts import baseline_of
from services.trainer.evaluation.pooled import Pooled
from services.trainer.reservations import AssessedModel, reservations


def reserved(pooled: Pooled, columns: int) -> tuple[str, ...]:
    """Reservations about the primary arm, or that of the record where there is none.

    `columns`: how many columns have a hazard ratio in the report.
    """
    name = PRIMARY if PRIMARY in pooled.arms else baseline_of(pooled)
    if name not in pooled.arms:
        return ()
    arm = pooled.arms[name]
    index = arm.known
    by_rule = pooled.arms[RULE].flagged[0][index] if RULE in pooled.arms else None
    sentences = reservations(
        AssessedModel(
            title="All blocks together" if name == PRIMARY else arm.title,
            outcome=pooled.cohort.outcome[index],
            log_risks=tuple(prediction.log_risk[index] for prediction in arm.repeats),
            flagged=np.asarray(arm.flagged[:, index], np.bool_),
            by_rule=by_rule,
            columns=columns,
        )
    )
    return tuple(f"SIMULATED: {sentence}" if pooled.cohort.simulated else sentence for sentence in sentences)
