"""Does one arm move patients to the right side of another: continuous net reclassification and discrimination gain.

Secondary figures: both reward a model that is merely miscalibrated upwards, and neither is a proper score.
"""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import by_horizon
from services.trainer.metrics.statistic import Difference, Ratio
from shared.arrays import Floats

ALIKE = 1e-9
"""Risks that differ by less are the same."""


def continuous_nri(outcome: Outcome, new: Floats, old: Floats, years: float) -> Difference:
    """Share of events whose risk rose less those whose risk fell, less the same among the others; -2 to 2, by IPCW.

    Pencina et al., Stat Med 2011;30:11; weights as in Uno et al., Stat Med 2013;32:2430.
    """
    moved = np.where(np.abs(new - old) <= ALIKE, 0.0, np.sign(new - old))
    return _between(outcome, np.asarray(moved, np.float64), years)


def idi(outcome: Outcome, new: Floats, old: Floats, years: float) -> Difference:
    """Rise of the mean risk of patients with the event by `years`, less its rise among the others, by IPCW.

    Pencina et al., Stat Med 2008;27:157.
    """
    return _between(outcome, new - old, years)


def _between(outcome: Outcome, gain: Floats, years: float) -> Difference:
    """Mean gain of the relapses less mean gain of the others."""
    known = by_horizon(outcome, years)
    yes, no = known.weight * known.is_event, known.weight * (1 - known.is_event)
    return Difference(Ratio(yes * gain, yes), Ratio(no * gain, no))
