"""Maximum likelihood for P = 1 - exp(-exp(a + b x)) in many samples at once; the log-likelihood is concave."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from shared.arrays import Flags, Floats

_STEPS, _HALVINGS = 60, 30
_TOLERANCE = 1e-9
_STEEPEST = 30.0
"""Largest |b| times the spread of x: beyond, outcomes are separated and the likelihood has no maximum."""
_BOUND = 30.0
"""Of a + b x, where exp(exp()) would overflow."""


@dataclass(frozen=True, eq=False)
class Observations:
    """Outcomes of n patients, with their weights in each of b samples."""

    is_event: Flags
    """[n]."""
    x: Floats
    """[n]."""
    weights: Floats
    """[b, n]."""

    def samples(self, chosen: Flags) -> Self:
        """The samples [b] that are chosen."""
        return type(self)(self.is_event, self.x, self.weights[chosen])


def fit(observed: Observations, *, slope: bool) -> tuple[Floats, Floats]:
    """Intercepts and slopes [b]; slope 1 unless requested.

    NaN where a sample does not determine them: it has one outcome only, x is constant in it, or separates the outcomes.
    """
    centre = float(observed.x.mean())
    centred = Observations(observed.is_event, observed.x - centre, observed.weights)
    a, b = _start(centred)
    is_open = np.ones(len(a), bool)
    for _ in range(_STEPS):
        rest = centred.samples(is_open)
        da, db = _step(rest, a[is_open], b[is_open], slope=slope)
        a[is_open], b[is_open] = a[is_open] + da, b[is_open] + db
        is_open[is_open] = np.abs(da) + np.abs(db) > _TOLERANCE
        if not is_open.any():
            break
    determined = ~is_open & _has_both(centred) & (np.abs(b) * np.ptp(observed.x) < _STEEPEST)
    if slope:
        determined &= _varies(centred)
    return np.where(determined, a - b * centre, np.nan), np.where(determined, b, np.nan)


def _start(observed: Observations) -> tuple[Floats, Floats]:
    """Slope 1, and the intercept at which as many events are expected as were observed."""
    total = np.maximum(observed.weights.sum(axis=1), 1e-12)
    share = np.clip(observed.weights @ observed.is_event / total, 1e-3, 1 - 1e-3)
    mean = observed.weights @ observed.x / total
    return np.log(-np.log1p(-share)) - mean, np.ones(len(share))


def _step(observed: Observations, a: Floats, b: Floats, *, slope: bool) -> tuple[Floats, Floats]:
    """The Newton step, halved in each sample until the likelihood does not fall."""
    da, db = _newton(observed, a, b, slope=slope)
    before = _log_likelihood(observed, a, b)
    share = np.ones(len(a))
    for _ in range(_HALVINGS):
        worse = _log_likelihood(observed, a + share * da, b + share * db) < before - 1e-12 * np.abs(before)
        if not worse.any():
            break
        share[worse] /= 2
    return share * da, share * db


def _newton(observed: Observations, a: Floats, b: Floats, *, slope: bool) -> tuple[Floats, Floats]:
    score, information = _derivatives(observed, a, b)
    g0, i00 = score.sum(axis=1), information.sum(axis=1)
    if not slope:
        return g0 / np.maximum(i00, 1e-12), np.zeros(len(g0))
    g1, i01, i11 = score @ observed.x, information @ observed.x, information @ observed.x**2
    determinant = np.maximum(i00 * i11 - i01**2, 1e-12 * np.maximum(i00, 1e-12) ** 2)
    return (i11 * g0 - i01 * g1) / determinant, (i00 * g1 - i01 * g0) / determinant


def _derivatives(observed: Observations, a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """First derivatives of the log-likelihood by a + b x, and second ones with the sign turned, [b, n] each."""
    rate = np.exp(_eta(observed, a, b))
    odds = np.where(rate < 1e-8, 1.0, rate / np.expm1(np.minimum(rate, 700)))
    score = np.where(observed.is_event, odds, -rate)
    curvature = np.where(observed.is_event, odds * (odds + rate - 1), rate)
    return observed.weights * score, observed.weights * curvature


def _log_likelihood(observed: Observations, a: Floats, b: Floats) -> Floats:
    eta = _eta(observed, a, b)
    rate = np.exp(eta)
    of_event = np.where(rate < 1e-8, eta, np.log(-np.expm1(-np.maximum(rate, 1e-300))))
    return np.asarray((observed.weights * np.where(observed.is_event, of_event, -rate)).sum(axis=1), np.float64)


def _eta(observed: Observations, a: Floats, b: Floats) -> Floats:
    return np.clip(a[:, None] + b[:, None] * observed.x, -_BOUND, _BOUND)


def _has_both(observed: Observations) -> Flags:
    events = observed.weights @ observed.is_event
    return np.asarray((events > 0) & (events < observed.weights.sum(axis=1)), bool)


def _varies(observed: Observations) -> Flags:
    """Whether the patients of a sample differ in x."""
    drawn = observed.weights > 0
    highest = np.where(drawn, observed.x, -np.inf).max(axis=1)
    lowest = np.where(drawn, observed.x, np.inf).min(axis=1)
    return np.asarray(highest - lowest > 1e-9, bool)
