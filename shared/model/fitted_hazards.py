"""The hazards of cases by several fits of an arm, such as its refits, as arrays: all fits are computed at once."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Self

import numpy as np

from shared.arrays import Floats
from shared.model.hazards import Cause, Fit, Trees, log_hazards
from shared.model.incidence import cumulative_incidence, event_free_survival

_ROWS = 1_000
"""Cases, each by one fit, that are computed together: more need memory and are no faster."""


@dataclass(frozen=True, eq=False)
class FittedHazards:
    """Hazards of n cases by r fits; a fit with fewer causes than another has causes that never happen."""

    times_years: Floats
    """[m], rising; the baselines' grid."""
    baselines: Sequence[Floats]
    """[r, m] of each cause, the event of interest first."""
    log_hazards: Sequence[Floats]
    """[r, n] of each cause."""

    @classmethod
    def of(cls, times_years: Floats, fits: Sequence[Fit], design: Floats, trees: Mapping[str, Trees]) -> Self:
        """The hazards of a design [n, p] by fits of the same time grid."""
        never = np.zeros(len(times_years)), np.zeros(len(design))

        def of_cause(cause: Cause | None) -> tuple[Floats, Floats]:
            return (cause.baseline, log_hazards(cause.log_hazard, design, trees)) if cause else never

        causes = [tuple(map(of_cause, causes)) for causes in zip_longest(*(fit.causes for fit in fits))]
        baselines, log_risks = ([np.stack([pair[i] for pair in pairs]) for pairs in causes] for i in (0, 1))
        return cls(times_years, baselines, log_risks)

    def risks(self, years: Floats) -> Floats:
        """Cumulative incidence [r, n, h] of the event of interest by each of `years` [h], rising."""
        return self._by_block(
            lambda baselines, hazards: cumulative_incidence(self.times_years, baselines, hazards, years)
        )

    def event_free(self, years: Floats) -> Floats:
        """Probability [r, n, t] of no event of any kind until each of `years` [t]."""
        return self._by_block(
            lambda baselines, hazards: event_free_survival(self.times_years, baselines, hazards, years)
        )

    def _by_block(self, compute: Callable[[Sequence[Floats], Sequence[Floats]], Floats]) -> Floats:
        return np.concatenate([compute(*block) for block in self._blocks()])

    def _blocks(self) -> Iterator[tuple[Sequence[Floats], Sequence[Floats]]]:
        """Baselines and log hazards of as many fits as are computed together."""
        fits, cases = self.log_hazards[0].shape
        step = max(1, _ROWS // max(1, cases))
        for start in range(0, fits, step):
            block = slice(start, start + step)
            yield [each[block] for each in self.baselines], [each[block] for each in self.log_hazards]
