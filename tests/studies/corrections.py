"""Corrections of the weight of an out-of-fold log-risk for its attenuation, by measurement error or by the ridge.

A new patient's log-risk is the mean over the networks of all folds, a training patient's is of one fold. The latter is
the former with a classical error, whose share of the variance is told by how far networks of different folds disagree.
Carroll et al., Measurement Error in Nonlinear Models 2006, chapters 4 (regression calibration) and 5 (SIMEX). The ridge
is chosen for the clinical columns, most of which say little; one log-risk holds all that the slides tell.
"""

from dataclasses import dataclass

import numpy as np

from services.trainer.arms.columns import ridge_shares
from services.trainer.arms.cox import Sample, fit_cox
from services.trainer.cohort.cohort import Outcome
from shared.arrays import Flags, Floats, Ints

_ADDED = (0.5, 1.0, 1.5, 2.0)
_REMEASURED = 8
_LEAST_RELIABILITY = 0.3


@dataclass(frozen=True, eq=False)
class NetworkScores:
    """Log-risk [folds, n] of training patients by the networks of each fold, and the fold [n] that left each out."""

    log_risk: Floats
    folds: Ints

    @property
    def reliability(self) -> float:
        """Share of an out-of-fold log-risk's variance that the mean over all folds has too, from mean correlation."""
        count = len(self.log_risk)
        correlations = np.asarray(np.corrcoef(self.log_risk), np.float64)
        mean = correlations[np.triu_indices(count, 1)].mean()
        return float(np.clip(mean + (1 - mean) / count, _LEAST_RELIABILITY, 1.0))


def corrected_weights(
    x: Floats, outcome: Outcome, ridge: float, networks: NetworkScores, rng: np.random.Generator
) -> dict[str, Floats]:
    """Weights [p] by correction of a standardised design [n, p] whose last column is the log-risk."""
    bound: Flags = np.arange(x.shape[1]) == x.shape[1] - 1

    def fitted(design: Floats, ridges: float | Floats = ridge) -> Floats:
        return fit_cox(Sample.of(design, outcome.time, outcome.is_event), ridges, non_negative=bound)

    reliability = networks.reliability
    calibrated = np.column_stack([x[:, :-1], _calibrated(x, reliability)])
    remeasured = [
        np.mean([fitted(noisy) for noisy in _noisier(x, (1 - reliability) * more, rng)], axis=0) for more in _ADDED
    ]
    return {
        "regression calibration": fitted(calibrated),
        "lighter ridge": fitted(x, ridge * ridge_shares(bound)),
        "SIMEX": _extrapolated(np.stack([fitted(x), *remeasured]), bound),
    }


def _calibrated(x: Floats, reliability: float) -> Floats:
    """Expected log-risk [n] by all networks, given the out-of-fold one and the other columns."""
    centred = x - x.mean(axis=0)
    covariance = centred.T @ centred / len(x)
    with_ensemble = covariance[-1] * np.append(np.ones(len(covariance) - 1), reliability)
    return np.asarray(centred @ np.linalg.solve(covariance, with_ensemble), np.float64)


def _noisier(x: Floats, variance: float, rng: np.random.Generator) -> list[Floats]:
    """The design with noise of that variance added to the log-risk, drawn several times."""
    noise = np.sqrt(variance) * rng.normal(size=(_REMEASURED, len(x)))
    return [np.column_stack([x[:, :-1], x[:, -1] + added]) for added in noise]


def _extrapolated(weights: Floats, bound: Flags) -> Floats:
    """Weights [p] without error, by a parabola through weights [levels, p] of added error."""
    parabola = np.polynomial.polynomial.polyfit([0.0, *_ADDED], weights, 2)
    without = parabola[0] - parabola[1] + parabola[2]
    return np.asarray(np.where(bound, np.maximum(without, 0.0), without), np.float64)
