"""Risk-adjusted CUSUM charts of events against the expected number, in both directions.

With the expected number as its clock, the count of events is a Poisson process of rate 1 when the risks are right,
whatever the case mix, the censoring and the order of cases. So the charts' threshold depends on the planned number of
expected events alone. Steiner et al., Biostatistics 2000;1:441; for times to an event Biswas and Kalbfleisch, Stat Med
2008;27:3382.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np

from shared.arrays import Floats

Direction = Literal["more", "fewer"]
_PATHS, _MOST_PATHS, _BEYOND, _SEED = 4000, 40_000, 40, 15
"""Fewest and most simulated streams, how many of them are to lie beyond a threshold, and their seed."""


@dataclass(frozen=True, slots=True)
class Design:
    """What the charts look for, and how rarely they may be wrong."""

    ratio: float = 2.0
    """Hazard over expected hazard that is to be found; the chart for fewer events looks for its inverse."""
    false_alarms: float = 0.05
    """Probability of an alarm of either chart in `cases` cases whose risks are right."""
    cases: int = 500
    """Cases that the probability is of, each followed up to the last horizon."""

    def step(self, direction: Direction) -> float:
        """Log-likelihood ratio of one event."""
        return float(np.log(self.ratio)) * (1 if direction == "more" else -1)

    def drift(self, direction: Direction) -> float:
        """The same of one expected event without an event."""
        return 1 - (self.ratio if direction == "more" else 1 / self.ratio)


@dataclass(frozen=True, eq=False)
class Chart:
    """One chart: its value [k] at the expected numbers `at` [k], before and after each event and at the end."""

    direction: Direction
    at: Floats
    values: Floats
    threshold: float

    @property
    def alarm_at(self) -> float | None:
        """Expected number at which the threshold was reached first; None where it was not."""
        over = np.flatnonzero(self.values >= self.threshold)
        return float(self.at[over[0]]) if len(over) else None


def chart(design: Design, direction: Direction, events: Floats, total: float, threshold: float) -> Chart:
    """The chart of events at the expected numbers `events` [m], rising, until `total`."""
    step, drift = design.step(direction), design.drift(direction)
    value, at, values = 0.0, [0.0], [0.0]
    for before, now in pairwise([0.0, *events.tolist(), total]):
        value = max(0.0, value + drift * (now - before))
        at.append(now)
        values.append(value)
        if len(at) < 2 * len(events) + 2:
            value = max(0.0, value + step)
            at.append(now)
            values.append(value)
    return Chart(direction, np.array(at), np.array(values), threshold)


@lru_cache(maxsize=64)
def threshold(design: Design, direction: Direction, planned: int) -> float:
    """What a chart's highest value reaches with half of the allowed probability in `planned` expected events.

    With few of them the highest value that there is may come more often, as of no event at all; the threshold is then
    above it.
    """
    paths = int(np.clip(_BEYOND / (design.false_alarms / 2), _PATHS, _MOST_PATHS))
    highest = highest_values(design, direction, float(planned), 1.0, paths, np.random.default_rng(_SEED))
    value = float(np.quantile(highest, 1 - design.false_alarms / 2))
    is_too_often = (highest >= value).mean() > design.false_alarms / 2
    return float(np.nextafter(value, np.inf)) if is_too_often else value


def highest_values(
    design: Design, direction: Direction, planned: float, rate: float, paths: int, rng: np.random.Generator
) -> Floats:
    """Highest value [paths] of a chart until `planned` expected events, of events that come at `rate` times that."""
    step, drift = design.step(direction), design.drift(direction)
    value, highest, left = np.zeros(paths), np.zeros(paths), np.full(paths, planned)
    while (left > 0).any():
        gap = rng.exponential(1 / rate, paths)
        is_event = gap <= left
        value = np.where(left > 0, np.maximum(0, value + drift * np.minimum(gap, left)), value)
        highest = np.maximum(highest, value)
        value = np.where(is_event, np.maximum(0, value + step), value)
        highest = np.maximum(highest, value)
        left = np.where(is_event, left - gap, 0)
    return highest
