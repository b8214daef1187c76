"""Risk over time: the curve of cumulative incidence, and risks given that there was no event until some time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.arrays import Floats
from shared.model.arm import Arm
from shared.model.calibration import Recalibration, recalibrated_curve
from shared.model.case_values import CaseValues
from shared.model.column import design_matrix
from shared.model.hazards import Fit, Trees
from shared.model.quantiles import percentile_interval

EVENT_FREE_YEARS = (1.0, 2.0, 3.0)
"""Times without an event that scores have risks for, and reports the calibration."""
STEPS = 60
"""Of the curve, from 0 to the last horizon."""


@dataclass(frozen=True, eq=False)
class Band:
    """Risks of n cases with the interval that the refits span, [n, m] each."""

    risk: Floats
    lo: Floats
    hi: Floats


@dataclass(frozen=True, eq=False)
class Course:
    """Risks of n cases over time."""

    years: Floats
    """[m], from 0 to the last horizon, every horizon among them."""
    incidence: Band
    """[n, m], probability of the event of interest by each time; at the horizons that of `predict`."""
    event_free_years: Floats
    """[k]."""
    horizons_years: Floats
    """[k], each later than the time beside it in `event_free_years`."""
    event_free: Band
    """[n, k], probability of the event of interest by a horizon, given no event of any kind until then."""
    level: float
    """Nominal coverage of the intervals."""


@dataclass(frozen=True, eq=False)
class CourseModel:
    """An arm that gives risks over time, recalibrated as at the horizons; arguments as of `predict`."""

    arm: Arm
    horizons_years: tuple[float, ...]
    recalibrations: Sequence[Recalibration] = ()
    trees: Mapping[str, Trees] | None = None

    def __call__(self, cases: CaseValues, event_free_years: Sequence[float]) -> Course:
        """Risks over time of n cases; a time without an event has a risk by each later horizon."""
        design, horizons = design_matrix(self.arm.columns, cases), np.array(self.horizons_years)
        grid = np.unique(np.round([*np.linspace(0, horizons[-1], STEPS + 1)[1:], *horizons], 10))
        pairs = [(since, until) for since in event_free_years for until in self.horizons_years if since < until]
        since, until = np.array(pairs, np.float64).reshape(-1, 2).T
        return Course(
            years=np.concatenate([[0.0], grid]),
            incidence=_from_zero(self._band(lambda fit: self._risks(fit, design, grid))),
            event_free_years=since,
            horizons_years=until,
            event_free=self._band(lambda fit: self._given_event_free(fit, design, since, until)),
            level=self.arm.level,
        )

    def _risks(self, fit: Fit, design: Floats, years: Floats) -> Floats:
        """Recalibrated risks [n, m] by `years` [m], rising."""
        raw, at_horizons = self._raw(fit, design, years), self._raw(fit, design, np.array(self.horizons_years))
        return recalibrated_curve(raw, at_horizons, self.recalibrations)

    def _raw(self, fit: Fit, design: Floats, years: Floats) -> Floats:
        return self.arm.risks(fit, design, years, self.trees or {})

    def _given_event_free(self, fit: Fit, design: Floats, since: Floats, until: Floats) -> Floats:
        """(F(until) - F(since)) / S(since) [n, k], F the cumulative incidence and S the survival without any event.

        A recalibrated F leaves the share of those without the event of interest who have no competing one as it is.
        """
        if not len(since):
            return np.zeros((len(design), 0))
        years = np.union1d(since, until)
        before, by = np.searchsorted(years, since), np.searchsorted(years, until)
        raw, risk = self._raw(fit, design, years)[:, before], self._risks(fit, design, years)
        survival = self.arm.event_free(fit, design, since, self.trees or {}) * (1 - risk[:, before])
        gained = (risk[:, by] - risk[:, before]) * (1 - raw)
        return np.minimum(np.divide(gained, survival, out=np.ones_like(gained), where=survival > 0), 1.0)

    def _band(self, risks: Callable[[Fit], Floats]) -> Band:
        estimate = risks(self.arm.fit)
        refits = np.array([risks(fit) for fit in self.arm.refits])
        lo, hi = percentile_interval(estimate, refits, self.arm.level)
        return Band(estimate, lo, hi)


def _from_zero(band: Band) -> Band:
    """The band with a first column of no risk yet."""
    none = np.zeros((len(band.risk), 1))
    risk, lo, hi = (np.concatenate([none, values], axis=1) for values in (band.risk, band.lo, band.hi))
    return Band(risk, lo, hi)
