"""Intervals and paired tests from patients drawn again, and correction for many questions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Self

import numpy as np
from scipy.stats import norm

from services.trainer.metrics.statistic import Statistic
from shared.arrays import Floats

LEVEL = 0.95
SAMPLES = 2000
FEWER = 500
"""Samples where there are many figures, or one that takes long."""
_LARGEST = 4_000_000
"""Cells of the weight matrix that are computed at once."""


@dataclass(frozen=True, slots=True)
class Figure:
    """An estimate and its interval; None where it is undefined."""

    est: float | None
    lo: float | None
    hi: float | None

    def rounded(self, digits: int = 6) -> Self:
        """The figure to significant digits, as reports hold it."""
        return replace(self, **{field.name: rounded(getattr(self, field.name), digits) for field in fields(self)})


NO_FIGURE = Figure(None, None, None)


@dataclass(frozen=True, slots=True)
class Contrast(Figure):
    """A difference with its interval and two-sided p-value."""

    p: float | None


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """The same draws for every figure of a cohort, so that differences are paired."""

    weights: Floats
    """[samples, n], how often each patient was drawn."""

    @classmethod
    def of(cls, patients: int, seed: int, samples: int = SAMPLES) -> "Bootstrap":
        """Draw `samples` cohorts of as many patients."""
        rng = np.random.default_rng([seed, patients])
        return cls(rng.multinomial(patients, np.full(patients, 1 / patients), samples).astype(np.float64))

    @property
    def fewer(self) -> "Bootstrap":
        """The first FEWER samples."""
        return Bootstrap(self.weights[:FEWER])

    def draws(self, statistic: Statistic) -> Floats:
        """The figure in every sample."""
        parts = max(1, -(-self.weights.size // _LARGEST))
        return np.concatenate([statistic(weights) for weights in np.array_split(self.weights, parts)])

    def figure(self, statistic: Statistic, level: float = LEVEL) -> Figure:
        """The figure in the cohort itself, and the percentile interval of the samples."""
        return _figure(self._value(statistic), self.draws(statistic), level)

    def contrast(self, difference: Statistic, level: float = LEVEL) -> Contrast:
        """A difference: twice the smaller share of samples on either side of none."""
        draws = self.draws(difference)
        figure = _figure(self._value(difference), draws, level)
        finite = draws[np.isfinite(draws)]
        if figure.est is None or not len(finite):
            return Contrast(figure.est, figure.lo, figure.hi, None)
        tail = min(int((finite <= 0).sum()), int((finite >= 0).sum())) + 1
        return Contrast(figure.est, figure.lo, figure.hi, min(1.0, 2 * tail / (len(finite) + 1)))

    def _value(self, statistic: Statistic) -> float:
        return float(statistic(np.ones((1, self.weights.shape[1])))[0])


@dataclass(frozen=True, slots=True)
class Draws:
    """Which samples of a cohort: small enough to travel, where the samples themselves are not."""

    patients: int
    seed: int
    samples: int = SAMPLES

    @property
    def bootstrap(self) -> Bootstrap:
        """The samples, which a process draws once."""
        return _drawn(self)


@lru_cache(maxsize=1)
def _drawn(draws: Draws) -> Bootstrap:
    return Bootstrap.of(draws.patients, draws.seed, draws.samples)


def _figure(value: float, draws: Floats, level: float) -> Figure:
    finite = draws[np.isfinite(draws)]
    if not np.isfinite(value):
        return NO_FIGURE
    if len(finite) < len(draws) / 2:
        return Figure(value, None, None)
    lo, hi = np.quantile(finite, [(1 - level) / 2, (1 + level) / 2])
    return Figure(value, float(lo), float(hi))


def wilson(share: float, patients: float, level: float = LEVEL) -> Figure:
    """A share with the interval of Wilson, J Am Stat Assoc 1927;22:209; `patients` may be an effective number."""
    z = float(norm.ppf((1 + level) / 2))
    centre = (share + z**2 / (2 * patients)) / (1 + z**2 / patients)
    reach = z / (1 + z**2 / patients) * float(np.sqrt(share * (1 - share) / patients + z**2 / (4 * patients**2)))
    return Figure(share, max(0.0, centre - reach), min(1.0, centre + reach))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """p-values adjusted for their number (Holm, Scand J Stat 1979;6:65), in the same order; None stays."""
    finite: Mapping[int, float] = {i: p for i, p in enumerate(p_values) if p is not None}
    adjusted: dict[int, float] = {}
    highest = 0.0
    for rank, (i, p) in enumerate(sorted(finite.items(), key=lambda item: item[1])):
        highest = max(highest, min(1.0, (len(finite) - rank) * p))
        adjusted[i] = highest
    return [adjusted.get(i) for i in range(len(p_values))]


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A number as it is written down; None where it is not finite."""
    return float(f"{value:.{digits}g}") if value is not None and np.isfinite(value) else None
