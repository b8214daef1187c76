"""Reservations about the model that a report is about."""

import numpy as np

from services.trainer.arms.registry import PRIMARY
from services.trainer.arms.rule import RULE
from services.trainer.evaluation.contrasts import baseline_of
from services.trainer.evaluation.pooled import Pooled
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.reservations import AssessedModel, reservation, without_weight
from shared.model.block import Block
from shared.words import counted

_ALIKE = 1e-9
"""Log-risks that differ by less are one."""


def reserved(pooled: Pooled, columns: int, bootstrap: Bootstrap) -> tuple[str, ...]:
    """Reservations about the primary arm, or that of the record where there is none.

    `columns`: how many columns with a hazard ratio were fitted on the cohort; 0 in a validation, which fits none.
    """
    name = PRIMARY if PRIMARY in pooled.arms else baseline_of(pooled)
    if name not in pooled.arms:
        return ()
    arm = pooled.arms[name]
    index, years = arm.known, pooled.horizons[0]
    by_rule = pooled.arms[RULE].flagged[0][index] if RULE in pooled.arms else None
    about_arm = reservation(
        AssessedModel(
            title="All blocks together" if name == PRIMARY else arm.title,
            outcome=pooled.cohort.outcome[index],
            years=years,
            log_risks=tuple(prediction.log_risk[index] for prediction in arm.repeats),
            risks=tuple(prediction.risk[index, pooled.place(years)] for prediction in arm.repeats),
            flagged=np.asarray(arm.flagged[:, index], np.bool_),
            by_rule=by_rule,
            columns=columns,
            draws=Bootstrap(bootstrap.fewer.weights[:, index]),
            has_times=pooled.cohort.has_times,
        )
    )
    sentences: tuple[str, ...] = (about_arm,) if about_arm else ()
    for block in pooled.cohort.profile.evidence_blocks:
        sentences += _without_weight(pooled, block)
    return tuple(f"SIMULATED: {sentence}" if pooled.cohort.simulated else sentence for sentence in sentences)


def _without_weight(pooled: Pooled, block: Block) -> tuple[str, ...]:
    """A sentence where models of a block of slides or vectors alone tell no patients of a fold apart."""
    if block.log_risk not in pooled.arms:
        return ()
    repeats = zip(pooled.arms[block.log_risk].repeats, pooled.fold_of, strict=True)
    of_folds = [each.log_risk[fold_of == fold] for each, fold_of in repeats for fold in np.unique(fold_of)]
    spreads = [np.ptp(log_risk[~np.isnan(log_risk)]) for log_risk in of_folds if (~np.isnan(log_risk)).sum() > 1]
    constant = sum(bool(spread < _ALIKE) for spread in spreads)
    return (without_weight(block.title, f"{constant} of {counted(len(spreads), 'fit')}"),) if constant else ()
