"""How many of 100 patients one arm moves to the other side of its threshold against another, rightly and wrongly."""

import numpy as np

from services.trainer.arms.registry import PRIMARY, first_record_arm, record_arm
from services.trainer.arms.rule import RULE
from services.trainer.evaluation.pooled import ArmResult, Pooled, Restricted
from services.trainer.metrics.bootstrap import Bootstrap, Figure
from services.trainer.metrics.censoring import by_horizon
from services.trainer.metrics.statistic import Mean, Ratio
from services.trainer.report_model.comparisons import Moved
from shared.arrays import Floats, Ints


def moved(pooled: Pooled, bootstrap: Bootstrap) -> tuple[Moved, ...]:
    """The primary arm, or that of the whole record without it, against the first block of the record and the rule."""
    profile = pooled.cohort.profile
    a = PRIMARY if PRIMARY in pooled.arms else record_arm(profile)
    baselines = dict.fromkeys((first_record_arm(profile), RULE))
    return tuple(_moved(pooled, a, b, bootstrap) for b in baselines if a != b and {a, b} <= set(pooled.arms))


def _moved(pooled: Pooled, a: str, b: str, bootstrap: Bootstrap) -> Moved:
    new, old = pooled.arms[a], pooled.arms[b]
    index, years = np.intersect1d(new.known, old.known), pooled.horizons[0]
    known = by_horizon(pooled.cohort.outcome[index], years)
    has, has_not = known.weight * known.is_event, known.weight * (1 - known.is_event)

    def of_100(higher: ArmResult, lower: ArmResult, counted: Floats) -> Figure:
        return _of_100(higher, lower, index, counted, known.weight, bootstrap)

    return Moved(
        a=a,
        b=b,
        horizon_years=years,
        up_with_event=of_100(new, old, has),
        up_without=of_100(new, old, has_not),
        down_with_event=of_100(old, new, has),
        down_without=of_100(old, new, has_not),
    )


def _of_100(
    higher: ArmResult, lower: ArmResult, index: Ints, counted: Floats, weight: Floats, bootstrap: Bootstrap
) -> Figure:
    """Patients of 100 who are `counted` and whom `higher` alone flags; mean over repeats."""
    flags = zip(higher.flagged[:, index], lower.flagged[:, index], strict=True)
    parts = [Ratio(100 * counted * (first & ~second), weight) for first, second in flags]
    return bootstrap.fewer.figure(Restricted(index, Mean(parts))).rounded()
