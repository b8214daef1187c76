"""The expected number of events as a clock: at which expected number each event came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR
from services.trainer.monitoring.followed import FollowedCase
from shared.arrays import Floats


@dataclass(frozen=True, eq=False)
class Clock:
    """Events on the clock, in order, and what it shows at the end."""

    events: Floats
    """[m], expected number at each event, rising."""
    total: float
    labels: tuple[str, ...]
    """[m], month of each event, or the place of its case where days are not known."""
    cases: tuple[int, ...]
    """[m], cases that had been scored by each event."""

    def label_at(self, expected: float) -> tuple[str, int]:
        """Label and cases at the first event from an expected number on; those of the last event after it."""
        if not self.labels:
            return "", 0
        place = min(int(np.searchsorted(self.events, expected - 1e-9)), len(self.labels) - 1)
        return self.labels[place], self.cases[place]


def clock(cases: Sequence[FollowedCase]) -> Clock:
    """By calendar where the first day of every case is known, else case by case in their order."""
    if all(case.begins for case in cases):
        return _by_calendar(cases)
    ends = np.cumsum([case.expected for case in cases]) if cases else np.zeros(0)
    places = [place for place, case in enumerate(cases) if case.is_event]
    labels = tuple(f"case {place + 1}" for place in places)
    return Clock(ends[places], float(ends[-1]) if cases else 0.0, labels, tuple(place + 1 for place in places))


def _by_calendar(cases: Sequence[FollowedCase]) -> Clock:
    """At each event, what all cases had been followed through by its day."""
    days = np.sort([case.day_after(case.until) for case in cases if case.is_event])
    first = np.array([case.day_after(0.0) for case in cases])
    by_case = (case.expected_by((days - day) / DAYS_A_YEAR) for case, day in zip(cases, first, strict=True))
    events = sum(by_case, np.zeros(len(days)))
    scored = np.sort([case.day_after(case.since) for case in cases])
    known = tuple(np.searchsorted(scored, days, side="right").tolist())
    labels = tuple(f"{date.fromordinal(int(day)):%Y-%m}" for day in days)
    return Clock(events, float(sum(case.expected for case in cases)), labels, known)
