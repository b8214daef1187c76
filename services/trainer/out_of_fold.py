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
    """Correlation, 0 to 1, of two models that learned from different patients, by models [e, n] without one of k folds.

    Models of two folds have most patients in common and err alike. If a model of all patients errs with a variance of v
    times that of what it tells, and errors are sums over patients, a model of k - 1 folds errs with v k / (k - 1), of
    which it shares v k (k - 2) / (k - 1)^2 with one of other folds. The correlation seen tells v, and 1 / (1 + v) is
    that of models without a patient in common (for two folds: Brown, Br J Psychol 1910;3:296). A constant model
    correlates with none.
    """
    spread = log_risk.std(axis=1, keepdims=True)
    standard = (log_risk - log_risk.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, np.inf)
    correlations = (standard @ standard.T / log_risk.shape[1])[fold_of_model[:, None] != fold_of_model[None, :]]
    return _without_common_patients(float(correlations.mean()), len(np.unique(fold_of_model)))


def _without_common_patients(correlation: float, k: int) -> float:
    """What models of all patients would have, by the correlation of models of k - 1 of k folds."""
    own, common = k / (k - 1), k * (k - 2) / (k - 1) ** 2
    shared = own * correlation - common
    return float(np.clip(shared / (shared + 1 - correlation), 0.0, 1.0)) if shared > 0 else 0.0


def _mean(values: Floats, mask: Flags) -> Floats:
    return np.asarray(np.where(mask, values, 0).sum(axis=1) / mask.sum(axis=1), np.float64)
