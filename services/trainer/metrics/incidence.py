"""What happened to a group: Kaplan-Meier, Aalen-Johansen, log-rank test."""

import numpy as np
from scipy.stats import chi2

from services.trainer.cohort.cohort import Outcome
from shared.arrays import Floats, Ints


def survival(outcome: Outcome, times: Floats) -> Floats:
    """Kaplan-Meier probability [m] of no event of any kind by `times` [m]."""
    grid, at_risk, counts = _steps(outcome)
    return _stepped(grid, np.cumprod(1 - counts.sum(axis=0) / at_risk), times, 1.0)


def cumulative_incidence(outcome: Outcome, times: Floats, cause: int = 1) -> Floats:
    """Aalen-Johansen probability [m] that `cause` came first, by `times` [m]."""
    grid, at_risk, counts = _steps(outcome, cause)
    free = np.concatenate([[1.0], np.cumprod(1 - counts.sum(axis=0) / at_risk)[:-1]])
    return _stepped(grid, np.cumsum(free * counts[0] / at_risk), times, 0.0)


def incidence_draws(outcome: Outcome, times: Floats, weights: Floats) -> Floats:
    """The same for samples that hold each patient `weights` [b, n] times: [b, m]."""
    order = np.argsort(outcome.time, kind="stable")
    event, drawn = outcome.event[order], weights[:, order]
    starts = np.searchsorted(outcome.time[order], outcome.time[order], side="left")
    later = np.cumsum(drawn[:, ::-1], axis=1)[:, ::-1][:, starts]
    steps = np.divide(drawn, later, out=np.zeros_like(drawn), where=later > 0)
    hazard = np.stack([steps * (event == 1), steps * (event > 0)])
    grid, first = np.unique(outcome.time[order], return_index=True)
    mine, every = np.add.reduceat(hazard, first, axis=2)
    free = np.concatenate([np.ones((len(weights), 1)), np.cumprod(1 - every, axis=1)[:, :-1]], axis=1)
    summed = np.concatenate([np.zeros((len(weights), 1)), np.cumsum(free * mine, axis=1)], axis=1)
    return np.asarray(summed[:, np.searchsorted(grid, times, side="right")], np.float64)


def cumulative_hazard(outcome: Outcome, times: Floats, cause: int = 1) -> Floats:
    """Nelson-Aalen cause-specific cumulative hazard [m] at `times` [m]."""
    grid, at_risk, counts = _steps(outcome, cause)
    return _stepped(grid, np.cumsum(counts[0] / at_risk), times, 0.0)


def at_risk(outcome: Outcome, times: Floats) -> Ints:
    """How many are still observed and free of events at `times` [m]."""
    return np.array([(outcome.time >= time).sum() for time in times], np.int64)


def log_rank(outcome: Outcome, group: Ints) -> float:
    """p-value that the hazard of the event of interest is the same in all groups [n]; NaN with fewer than two."""
    names = np.unique(group)
    times = np.unique(outcome.time[outcome.is_event])
    if len(names) < 2 or not len(times):
        return float("nan")
    member = (group[None, :] == names[:, None]).astype(np.float64)
    under = (outcome.time[None, :] >= times[:, None]).astype(np.float64)
    now = ((outcome.time[None, :] == times[:, None]) & outcome.is_event[None, :]).astype(np.float64)
    n, d = under.sum(axis=1), now.sum(axis=1)
    share = (under @ member.T) / n[:, None]
    excess = (now @ member.T - d[:, None] * share).sum(axis=0)
    factor = np.divide(d * (n - d), n - 1, out=np.zeros_like(d), where=n > 1)
    spread = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    statistic = excess[:-1] @ np.linalg.pinv(spread[:-1, :-1]) @ excess[:-1]
    return float(chi2.sf(statistic, len(names) - 1))


def _steps(outcome: Outcome, cause: int = 1) -> tuple[Floats, Floats, Floats]:
    """Distinct times [m], patients at risk [m], events of `cause` and of all others [2, m]."""
    grid = np.unique(outcome.time)
    ordered = np.sort(outcome.time)
    risk = (len(ordered) - np.searchsorted(ordered, grid, side="left")).astype(np.float64)
    mine = np.bincount(np.searchsorted(grid, outcome.time[outcome.event == cause]), minlength=len(grid))
    every = np.bincount(np.searchsorted(grid, outcome.time[outcome.event > 0]), minlength=len(grid))
    return grid, risk, np.stack([mine, every - mine]).astype(np.float64)


def _stepped(grid: Floats, values: Floats, times: Floats, start: float) -> Floats:
    return np.concatenate([[start], values])[np.searchsorted(grid, times, side="right")]
