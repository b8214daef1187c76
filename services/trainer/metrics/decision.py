"""What follows from acting on a risk: net benefit, and sensitivity and specificity of a threshold."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import by_horizon
from services.trainer.metrics.statistic import Ratio
from shared.arrays import Flags, Floats

SENSITIVITY = 0.8
"""A threshold is chosen to find at least this share of relapses."""


def net_benefit(outcome: Outcome, risk: Floats, years: float, threshold: float) -> Ratio:
    """True positives less false positives at the odds of the threshold, for each patient; by IPCW.

    Vickers et al., BMC Med Inform Decis Mak 2008;8:53.
    """
    known = by_horizon(outcome, years)
    odds = threshold / (1 - threshold)
    gain = known.weight * np.where(known.is_event > 0, 1.0, -odds) * (risk >= threshold)
    return Ratio(gain, np.ones(len(outcome)))


@dataclass(frozen=True, eq=False)
class Operating:
    """Performance of flags of high risk, `flagged` [n], for the event by a horizon."""

    sensitivity: Ratio
    specificity: Ratio
    ppv: Ratio
    npv: Ratio


def operating(outcome: Outcome, flagged: Flags, years: float) -> Operating:
    """Sensitivity, specificity, positive and negative predictive value, by IPCW."""
    known = by_horizon(outcome, years)
    yes, no = known.weight * known.is_event, known.weight * (1 - known.is_event)
    high, low = flagged.astype(np.float64), (~flagged).astype(np.float64)
    return Operating(
        sensitivity=Ratio(yes * high, yes),
        specificity=Ratio(no * low, no),
        ppv=Ratio(yes * high, known.weight * high),
        npv=Ratio(no * low, known.weight * low),
    )


def threshold_for(outcome: Outcome, risk: Floats, years: float, sensitivity: float = SENSITIVITY) -> float:
    """The highest risk that, as a threshold (high is at or above), still finds this share of relapses by `years`.

    Without a relapse that is known there, the median risk.
    """
    known = by_horizon(outcome, years)
    yes = known.weight * known.is_event
    if yes.sum() <= 0:
        return float(np.median(risk))
    order = np.argsort(-risk, kind="stable")
    sensitivity_at = np.cumsum(yes[order]) / yes.sum()
    return float(risk[order][int(np.argmax(sensitivity_at >= sensitivity - 1e-12))])
