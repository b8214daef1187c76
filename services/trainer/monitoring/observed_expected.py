"""Observed over expected events with censoring: expected is the cumulative hazard that cases were followed through.

Observed less expected is a martingale when the risks are right (Therneau, Grambsch and Fleming, Biometrika
1990;77:147), so no horizon has to be waited for, and given the expected number the observed one is Poisson's.
"""

from collections.abc import Sequence

from scipy.stats import chi2

from services.trainer.metrics.bootstrap import LEVEL, NO_FIGURE, Figure
from services.trainer.monitoring.followed import FollowedCase


def observed(cases: Sequence[FollowedCase]) -> int:
    """Events of interest."""
    return sum(case.is_event for case in cases)


def expected(cases: Sequence[FollowedCase]) -> float:
    """Events of interest that the scores expect during the follow-up."""
    return float(sum(case.expected for case in cases))


def ratio(events: int, expectation: float) -> Figure:
    """Observed over expected with the exact interval of a Poisson count (Garwood, Biometrika 1936;28:437)."""
    if expectation <= 0:
        return NO_FIGURE
    tail = (1 - LEVEL) / 2
    lo = float(chi2.ppf(tail, 2 * events)) / 2 if events else 0.0
    hi = float(chi2.ppf(1 - tail, 2 * (events + 1))) / 2
    return Figure(events / expectation, lo / expectation, hi / expectation).rounded()
