"""Drift of what scores are made from: risks against the training cohort, odd inputs, what is missing, by quarter."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy.stats import chi2

from services.trainer.metrics.bootstrap import rounded
from services.trainer.monitoring.followed import GivenRisk
from services.trainer.monitoring.groups import LEAST, MOST, quarter
from services.trainer.monitoring.monitor_report import InputShares

FIFTHS = 5
_LEAST_SHARE = 0.5
"""Cases that are added to each fifth, so that an empty one has an index too."""
_NO_DAY = "day not known"


def by_quarter(risks: Sequence[GivenRisk]) -> tuple[InputShares, ...]:
    """All scores, also of cases without an outcome yet, by the quarter in which they were given."""
    grouped: dict[str, list[GivenRisk]] = defaultdict(list)
    for risk in risks:
        grouped[quarter(risk.given_on) if risk.given_on else _NO_DAY].append(risk)
    return tuple(_shares(name, grouped[name]) for name in sorted(grouped)[-MOST:])


def _shares(name: str, risks: Sequence[GivenRisk]) -> InputShares:
    if len(risks) < LEAST:
        return InputShares(name=name)
    lacked = sorted({each for risk in risks for each in risk.missing})
    shares = {each: sum(each in risk.missing for risk in risks) / len(risks) for each in lacked}
    return InputShares(
        name=name,
        n=len(risks),
        psi=rounded(stability([risk.percentile for risk in risks]), 3),
        psi_by_chance=rounded(by_chance(len(risks)), 3),
        out_of_distribution=rounded(sum(risk.out_of_distribution for risk in risks) / len(risks), 3),
        missing={each: round(share, 3) for each, share in shares.items()},
    )


def stability(percentiles: Sequence[float]) -> float:
    """Population stability index of percentiles 0 to 100 against equal fifths; above 0.25 is large by custom."""
    counts = np.histogram(percentiles, np.linspace(0, 100, FIFTHS + 1))[0] + _LEAST_SHARE
    share = counts / counts.sum()
    return float(((share - 1 / FIFTHS) * np.log(share * FIFTHS)).sum())


def by_chance(scores: int) -> float:
    """Index that scores without a shift exceed in 5 % of cases: it is about a chi-squared value over their number."""
    return float(chi2.ppf(0.95, FIFTHS - 1)) / scores
