"""DeLong's test of two areas under the curve by a horizon, with patients weighted for censoring."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import norm

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.bootstrap import Contrast
from services.trainer.metrics.censoring import by_horizon
from services.trainer.metrics.statistic import divide
from shared.arrays import Floats

_TIED = 1e-10


def delong(outcome: Outcome, first: Sequence[Floats], second: Sequence[Floats], years: float) -> Contrast:
    """Difference of the AUC of two arms, 95 % interval and p; an arm's log-risks [n] of every repeat are averaged over.

    Placement values as in DeLong et al., Biometrics 1988;44:837, each patient counting by the inverse probability of
    not being censored (Uno et al., J Am Stat Assoc 2007;102:527). The weights are taken as known.
    """
    known = by_horizon(outcome, years)
    cases, controls = known.weight * known.is_event, known.weight * (1 - known.is_event)
    if not (cases > 0).sum() > 1 or not (controls > 0).sum() > 1:
        return Contrast(None, None, None, None)
    placed = np.mean([placements(log_risk, cases, controls) for log_risk in first], axis=0)
    placed -= np.mean([placements(log_risk, cases, controls) for log_risk in second], axis=0)
    estimate = float(cases @ placed / cases.sum())
    error = float(np.sqrt(_variance(placed, cases) + _variance(placed, controls)))
    if error <= 0:
        return Contrast(estimate, estimate, estimate, 1.0 if estimate == 0 else None)
    reach = float(norm.ppf(0.975)) * error
    return Contrast(estimate, estimate - reach, estimate + reach, float(2 * norm.sf(abs(estimate) / error)))


def placements(log_risk: Floats, cases: Floats, controls: Floats) -> Floats:
    """For a case the weighted share of controls below it, for a control that of cases above it [n]; ties count half."""
    return np.where(cases > 0, _below(log_risk, controls), 1 - _below(log_risk, cases))


def _below(log_risk: Floats, weight: Floats) -> Floats:
    """Weighted share of others with a lower log-risk [n]."""
    order = np.argsort(log_risk, kind="stable")
    ordered, running = log_risk[order], np.concatenate([[0.0], np.cumsum(weight[order])])
    low = running[np.searchsorted(ordered, log_risk - _TIED, side="left")]
    high = running[np.searchsorted(ordered, log_risk + _TIED, side="right")]
    return divide(0.5 * (low + high), np.full(len(weight), weight.sum()))


def _variance(placed: Floats, weight: Floats) -> float:
    """Variance of the weighted mean of placement values."""
    counted = weight > 0
    share = weight[counted] / weight[counted].sum()
    mean = float(share @ placed[counted])
    m = int(counted.sum())
    return float(((share * (placed[counted] - mean)) ** 2).sum()) * m / (m - 1)
