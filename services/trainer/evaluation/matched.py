"""Arms against the record's first block and the rule, at the same specificity or sensitivity."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from services.trainer.arms.registry import PRIMARY, first_record_arm, record_arm
from services.trainer.arms.rule import RULE
from services.trainer.cohort.cohort import Outcome
from services.trainer.evaluation.pooled import Of, Pooled, Restricted
from services.trainer.metrics import decision
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.metrics.matched import LEVEL, Constant, sensitivity_at, specificity_at
from services.trainer.metrics.statistic import Difference, Statistic
from services.trainer.report_model.comparisons import MatchedRates
from shared.arrays import Floats, Ints

Rate = Callable[[Outcome, Floats, float, Statistic], Statistic]

_SENSITIVITY, _SPECIFICITY = "sensitivity_at_specificity", "specificity_at_sensitivity"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Arm `a` against `b`: a rate of both, and the level at which the other rate is held."""

    a: str
    b: str
    metric: str
    years: float
    held: Statistic
    of_a: Statistic
    of_b: Statistic

    @property
    def gain(self) -> Statistic:
        """Of `a` over `b`, in the same samples."""
        return Difference(self.of_a, self.of_b)


def comparisons(pooled: Pooled) -> list[Comparison]:
    """Comparisons at each horizon: at fixed levels, and against the rule also at the rule's own rates."""
    profile = pooled.cohort.profile
    arms = dict.fromkeys((PRIMARY, record_arm(profile)))
    baselines = dict.fromkeys((first_record_arm(profile), RULE))
    pairs = [(a, b) for b in baselines for a in arms if a != b and {a, b} <= set(pooled.arms)]
    return [each for a, b in pairs for years in pooled.horizons for each in _of_pair(pooled, a, b, years)]


def _of_pair(pooled: Pooled, a: str, b: str, years: float) -> Iterator[Comparison]:
    index = np.intersect1d(pooled.arms[a].known, pooled.arms[b].known)
    for metric, rate in ((_SENSITIVITY, sensitivity_at), (_SPECIFICITY, specificity_at)):
        of = _of(rate, pooled, years, Constant(LEVEL))
        of_a, of_b = pooled.figure(a, index, of), pooled.figure(b, index, of)
        yield Comparison(a, b, f"{metric}_{LEVEL:g}_{years:g}y", years, Constant(LEVEL), of_a, of_b)
    if b == RULE:
        yield from _at_the_rules(pooled, a, index, years)


def _at_the_rules(pooled: Pooled, a: str, index: Ints, years: float) -> Iterator[Comparison]:
    """One rate of `a` where the other is the rule's own, in every sample."""
    rule = decision.operating(pooled.cohort.outcome[index], pooled.arms[RULE].flagged[0][index], years)
    for metric, rate, held, own in (
        (_SENSITIVITY, sensitivity_at, rule.specificity, rule.sensitivity),
        (_SPECIFICITY, specificity_at, rule.sensitivity, rule.specificity),
    ):
        of_a = pooled.figure(a, index, _of(rate, pooled, years, held))
        level, of_b = Restricted(index, held), Restricted(index, own)
        yield Comparison(a, RULE, f"{metric}_of_rule_{years:g}y", years, level, of_a, of_b)


def _of(rate: Rate, pooled: Pooled, years: float, held: Statistic) -> Of:
    place = pooled.place(years)
    return lambda outcome, prediction: rate(outcome, prediction.risk[:, place], years, held)


def matched_rates(pooled: Pooled, bootstrap: Bootstrap) -> tuple[MatchedRates, ...]:
    """The rates of both arms of every comparison, with intervals; the differences are among the contrasts."""
    return tuple(
        MatchedRates(
            a=each.a,
            b=each.b,
            metric=each.metric,
            horizon_years=each.years,
            held=bootstrap.fewer.figure(each.held).rounded(),
            of_a=bootstrap.fewer.figure(each.of_a).rounded(),
            of_b=bootstrap.fewer.figure(each.of_b).rounded(),
        )
        for each in comparisons(pooled)
    )
