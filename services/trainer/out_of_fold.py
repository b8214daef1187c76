"""What models fitted on different patients say of each patient: out of fold, and how much they agree."""

import numpy as np

from shared.arrays import Flags, Floats, Ints


def out_of_fold(log_risk: Floats, fold_of_model: Ints, folds: Ints) -> Floats:
    """Mean [n] over the models [e, n] that had not seen a patient, each centred on the patients that it saw.

    `fold_of_model` [e]: the fold that a model has not seen; `folds` [n]: that of each patient.
    """
    unseen = fold_of_model[:, None] == folds[None, :]
    centred = log_risk - _mean(log_risk, ~unseen)[:, None] + _mean(log_risk, ~unseen).mean()
    return np.asarray(np.where(unseen, centred, 0).sum(axis=0) / unseen.sum(axis=0), np.float64)


def agreement(log_risk: Floats, fold_of_model: Ints) -> float:
    """Mean correlation of models [e, n] of different folds, 0 to 1; a constant model correlates with none."""
    spread = log_risk.std(axis=1, keepdims=True)
    standard = (log_risk - log_risk.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, np.inf)
    correlations = (standard @ standard.T / log_risk.shape[1])[fold_of_model[:, None] != fold_of_model[None, :]]
    return float(np.clip(correlations.mean(), 0.0, 1.0))


def _mean(values: Floats, mask: Flags) -> Floats:
    return np.asarray(np.where(mask, values, 0).sum(axis=1) / mask.sum(axis=1), np.float64)
