"""Ridge Cox regression of one cause by Newton's method, and Breslow's baseline.

Written out because a cross-validated bootstrap needs some 10,000 fits, at a millisecond each; the tests hold it to
lifelines and scikit-survival.
"""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Flags, Floats, Ints

_MOST_STEPS = 60
_CONVERGED = 1e-8
_LONGEST_STEP = 1.5


@dataclass(frozen=True, eq=False)
class Sample:
    """Patients from the latest time to the earliest, so that a running sum runs over who is still at risk."""

    columns: Floats
    events: Flags
    times: Floats
    ends: Ints
    """[n], place of the last patient whose time is no earlier."""

    @classmethod
    def of(cls, columns: Floats, times: Floats, events: Flags) -> "Sample":
        """Order patients `columns` [n, p], `times` [n], `events` [n]."""
        order = np.argsort(-times, kind="stable")
        late = -times[order]
        ends = np.asarray(np.searchsorted(late, late, side="right") - 1, np.int64)
        return cls(columns[order], events[order], times[order], ends)

    def hazard_steps(self, risk: Floats) -> Floats:
        """Breslow's step [n] of the baseline cumulative hazard at each patient's time; 0 without an event."""
        at_risk = np.cumsum(risk)[self.ends]
        return np.where(self.events, 1 / at_risk, 0.0)

    def cumulative(self, steps: Floats) -> Floats:
        """Sum [n] of the steps at times no later than each patient's."""
        backwards = np.cumsum(steps[::-1])[::-1]
        first = np.searchsorted(-self.times, -self.times, side="left")
        return np.asarray(backwards[first], np.float64)

    def log_likelihood(self, coefficients: Floats) -> float:
        """Breslow's log partial likelihood."""
        eta = self.columns @ coefficients
        shift = eta.max(initial=0.0)
        at_risk = np.cumsum(np.exp(eta - shift))[self.ends]
        return float((eta - shift - np.log(at_risk))[self.events].sum())


def fit_cox(
    sample: Sample, ridge: float | Floats, start: Floats | None = None, towards: Floats | None = None
) -> Floats:
    """Coefficients [p] that maximise the log partial likelihood less `ridge` / 2 times their squares.

    `ridge` may differ by column, [p]; with `towards` [p] the squares are those of the distances from there.
    """
    coefficients = np.zeros(sample.columns.shape[1]) if start is None else start.copy()
    if not sample.events.any():
        return np.zeros_like(coefficients)
    for _ in range(_MOST_STEPS):
        gradient, information = derivatives(sample, coefficients, ridge)
        gradient = gradient if towards is None else gradient + ridge * towards
        step = np.linalg.solve(information, gradient) if len(gradient) else gradient
        size = float(np.abs(step).max(initial=0.0))
        coefficients = coefficients + step * min(1.0, _LONGEST_STEP / max(size, 1e-12))
        if size < _CONVERGED:
            break
    return coefficients


def derivatives(sample: Sample, coefficients: Floats, ridge: float | Floats) -> tuple[Floats, Floats]:
    """Gradient [p] of the penalised log partial likelihood, and its negative second derivative [p, p]."""
    x = sample.columns
    eta = x @ coefficients
    risk = np.exp(eta - eta.max(initial=0.0))
    steps = sample.hazard_steps(risk)
    expected = risk * sample.cumulative(steps)
    gradient = (sample.events - expected) @ x - ridge * coefficients
    ends = sample.ends[sample.events]
    means = np.cumsum(risk[:, None] * x, axis=0)[ends] * steps[sample.events][:, None]
    information = (x * expected[:, None]).T @ x - means.T @ means
    return gradient, information + (ridge + 1e-9) * np.eye(x.shape[1])


def baseline(sample: Sample, coefficients: Floats, grid: Floats) -> Floats:
    """Breslow's cumulative hazard [m] at `grid` [m] of a patient whose columns are all 0."""
    steps = sample.hazard_steps(np.exp(sample.columns @ coefficients))[::-1]
    reached = np.searchsorted(sample.times[::-1], grid, side="right")
    return np.asarray(np.concatenate([[0.0], np.cumsum(steps)])[reached], np.float64)


def choose_ridge(columns: Floats, times: Floats, events: Flags, folds: Ints, penalties: tuple[float, ...]) -> float:
    """The penalty of the largest cross-validated partial likelihood.

    Verweij and van Houwelingen, Stat Med 1993;12:2305; `folds` [n] says in which fold each patient is left out.
    """
    whole = Sample.of(columns, times, events)
    gains = np.zeros(len(penalties))
    for fold in np.unique(folds):
        kept = folds != fold
        part = Sample.of(columns[kept], times[kept], events[kept])
        found: Floats | None = None
        for i, ridge in enumerate(sorted(penalties, reverse=True)):
            found = fit_cox(part, ridge, found)
            gains[i] += whole.log_likelihood(found) - part.log_likelihood(found)
    return sorted(penalties, reverse=True)[int(np.argmax(gains))]
