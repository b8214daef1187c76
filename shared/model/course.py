"""Risk over time: the curve of cumulative incidence, and risks given that there was no event until some time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shared.arrays import Floats
from shared.model.arm import Arm
from shared.model.calibration import Recalibration, recalibrated_curve
from shared.model.case_values import CaseValues
from shared.model.column import design_matrix
from shared.model.fitted_hazards import FittedHazards
from shared.model.hazards import Trees
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
        hazards = self.arm.hazards((self.arm.fit, *self.arm.refits), design, self.trees or {})
        return Course(
            years=np.concatenate([[0.0], grid]),
            incidence=_from_zero(self._band(self._risks(hazards, grid))),
            event_free_years=since,
            horizons_years=until,
            event_free=self._band(self._given_event_free(hazards, since, until)),
            level=self.arm.level,
        )

    def _risks(self, hazards: FittedHazards, years: Floats) -> Floats:
        """Recalibrated risks [r, n, m] by `years` [m], rising."""
        at_horizons = hazards.risks(np.array(self.horizons_years))
        return recalibrated_curve(hazards.risks(years), at_horizons, self.recalibrations)

    def _given_event_free(self, hazards: FittedHazards, since: Floats, until: Floats) -> Floats:
        """(F(until) - F(since)) / S(since) [r, n, k], F the cumulative incidence and S the survival without any event.

        A recalibrated F leaves the share of those without the event of interest who have no competing one as it is.
        """
        if not len(since):
            return np.zeros((*hazards.log_hazards[0].shape, 0))
        years = np.union1d(since, until)
        before, by = np.searchsorted(years, since), np.searchsorted(years, until)
        raw, risk = hazards.risks(years)[..., before], self._risks(hazards, years)
        survival = hazards.event_free(since) * (1 - risk[..., before])
        gained = (risk[..., by] - risk[..., before]) * (1 - raw)
        return np.minimum(np.divide(gained, survival, out=np.ones_like(gained), where=survival > 0), 1.0)

    def _band(self, risks: Floats) -> Band:
        """The band of risks [r, n, m], those of the fit first."""
        lo, hi = percentile_interval(risks[0], risks[1:], self.arm.level)
        return Band(risks[0], lo, hi)


def _from_zero(band: Band) -> Band:
    """The band with a first column of no risk yet."""
    none = np.zeros((len(band.risk), 1))
    risk, lo, hi = (np.concatenate([none, values], axis=1) for values in (band.risk, band.lo, band.hi))
    return Band(risk, lo, hi)
