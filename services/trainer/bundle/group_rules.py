"""Risk groups of a bundle's arms, and the width of an interval above which no group is given."""

from collections.abc import Mapping, Sequence

import numpy as np

from services.trainer.bundle.served_arms import ServedArm
from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics.bootstrap import FEWER, LEVEL, Bootstrap, wilson
from services.trainer.metrics.decision import SENSITIVITY, operating, threshold_for
from services.trainer.metrics.statistic import Ratio
from shared.model.arm import LEVEL as CENTRAL
from shared.model.thresholds import WIDEST, Group, GroupRule, OperatingFigures, Proportion, WidthLimit
from shared.model.vector import significant

_DIGITS = 7


def group_rules(arms: Sequence[ServedArm], cohort: Cohort, seed: int) -> Mapping[str, GroupRule]:
    """Two groups an arm, by the highest limit that keeps enough patients with the event above it, out of fold."""
    widest = width_limit(arms[0], cohort)
    return {arm.name: _rule(arm, cohort, widest, seed) for arm in arms}


def width_limit(fullest: ServedArm, cohort: Cohort) -> WidthLimit:
    """The spread of the out-of-fold risks of the arm that knows most, and no more than that of `WIDEST`.

    An interval as wide says no more of a patient than that they are of the cohort.
    """
    risk = fullest.out_of_fold.risk[:, fullest.model.horizon]
    lo, hi = np.quantile(risk, [(1 - CENTRAL) / 2, (1 + CENTRAL) / 2])
    spread = max(float(hi - lo), 10**-_DIGITS)
    basis = (
        f"as wide as the central {CENTRAL:.0%} of the{_simulated(cohort)} training cohort's risks by {fullest.name}, "
        f"out of fold, and at most {100 * WIDEST.width:.3g}"
    )
    return WidthLimit(width=significant(min(spread, WIDEST.width), _DIGITS), basis=basis)


def _rule(arm: ServedArm, cohort: Cohort, widest: WidthLimit, seed: int) -> GroupRule:
    years = cohort.profile.horizons_years[0]
    outcome, risk = cohort.outcome[arm.members], arm.out_of_fold.risk[:, arm.model.horizon]
    threshold = threshold_for(outcome, risk, years)
    shares, draws = operating(outcome, risk >= threshold, years), Bootstrap.of(len(outcome), seed, FEWER)
    sensitivity, specificity = (_proportion(share, draws) for share in (shares.sensitivity, shares.specificity))
    figures = None
    if sensitivity and specificity:
        figures = OperatingFigures(sensitivity=sensitivity, specificity=specificity, level=LEVEL)
    event = _event(cohort)
    limit = significant(threshold, _DIGITS)
    return GroupRule(
        horizon_years=years,
        groups=(Group(name=f"lower risk of {event}", below=limit), Group(name=f"higher risk of {event}")),
        basis=_basis(cohort, figures),
        operating=figures,
        widest=widest,
    )


def _proportion(share: Ratio, draws: Bootstrap) -> Proportion | None:
    """A share with its interval, Wilson's where it is 0 or 1; None where nobody counts."""
    figure = draws.figure(share)
    if figure.est is not None and share.patients > 0 and not 1e-9 < figure.est < 1 - 1e-9:
        figure = wilson(figure.est, share.patients)
    rounded = figure.rounded(_DIGITS)
    if rounded.est is None or rounded.lo is None or rounded.hi is None:
        return None
    return Proportion(est=rounded.est, lo=min(rounded.lo, rounded.est), hi=max(rounded.hi, rounded.est))


def _basis(cohort: Cohort, figures: OperatingFigures | None) -> str:
    event, years = _event(cohort), cohort.profile.horizons_years[0]
    if figures is None:
        return f"too few patients of the training cohort had {event} by {years:g} years to set a limit by them"
    high, low = figures.sensitivity, figures.specificity
    return (
        f"in the{_simulated(cohort)} training cohort, out of fold, {_of_100(high)} with {event} by {years:g} years "
        f"were at or above the limit, which was set for at least {SENSITIVITY:.0%}, and {_of_100(low)} without it below"
    )


def _of_100(share: Proportion) -> str:
    return f"{100 * share.est:.0f} of 100 patients ({100 * share.lo:.0f} to {100 * share.hi:.0f})"


def _event(cohort: Cohort) -> str:
    outcome = cohort.profile.outcome
    return outcome.codes[outcome.event_of_interest]


def _simulated(cohort: Cohort) -> str:
    return " SIMULATED" if cohort.simulated else ""
