"""Does a higher risk come with an earlier relapse: Harrell's C, Uno's C, cumulative/dynamic AUC."""

import numpy as np

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.censoring import by_horizon, censoring_survival
from services.trainer.metrics.statistic import LARGEST_PAIRS, Pairs, Statistic
from shared.arrays import Flags, Floats, Ints

TIED = 1e-10


def harrell_c(outcome: Outcome, log_risk: Floats) -> Statistic:
    """Concordance over all pairs whose order is known; ties in risk count half. Harrell et al., JAMA 1982;247:2543."""
    return _concordance(outcome, log_risk, np.inf, np.ones(len(outcome)))


def uno_c(outcome: Outcome, log_risk: Floats, tau: float) -> Statistic:
    """Concordance for events before `tau` years, free of the censoring pattern. Uno et al., Stat Med 2011;30:1105."""
    cause = Outcome(outcome.time, outcome.is_event.astype(np.int64))
    return _concordance(outcome, log_risk, tau, censoring_survival(cause).before(outcome.time) ** -2.0)


def auc(outcome: Outcome, log_risk: Floats, years: float) -> Statistic:
    """Probability that a patient with the event by `years` had a higher risk than one without, by IPCW.

    Uno et al., J Am Stat Assoc 2007;102:527; competing events among the controls: Blanche et al., Stat Med
    2013;32:5381.
    """
    known = by_horizon(outcome, years)
    cases = np.flatnonzero((known.is_event > 0) & (known.weight > 0))
    controls = np.where(known.is_event > 0, 0.0, known.weight)
    comparable = known.weight[cases, None] * controls[None, :]
    return _pairs(cases, comparable, log_risk)


def _concordance(outcome: Outcome, log_risk: Floats, tau: float, weight: Floats) -> Statistic:
    cases = np.flatnonzero(outcome.is_event & (outcome.time < tau))
    later = outcome.time[None, :] > outcome.time[cases, None]
    same_but_free = (outcome.time[None, :] == outcome.time[cases, None]) & ~outcome.is_event[None, :]
    return _pairs(cases, _weighted(later | same_but_free, weight[cases]), log_risk)


def _weighted(mask: Flags, weight: Floats) -> Floats:
    return np.asarray(mask * weight[:, None], np.float64)


def _pairs(cases: Ints, comparable: Floats, log_risk: Floats) -> Statistic:
    difference = log_risk[cases, None] - log_risk[None, :]
    order = np.where(np.abs(difference) <= TIED, 0.5, difference > 0)
    pairs = Pairs(np.asarray(cases, np.int64), np.asarray(order * comparable, np.float64), comparable)
    return pairs if comparable.size <= LARGEST_PAIRS else pairs.expanded()
