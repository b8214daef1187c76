"""Differences between arms on the same patients: one primary question, the others adjusted for their number."""

import numpy as np

from services.trainer.arms.fusion import AllBut
from services.trainer.arms.registry import PRIMARY, all_but, arms_of, baseline, first_record_arm
from services.trainer.evaluation.figures import metrics
from services.trainer.evaluation.matched import comparisons
from services.trainer.evaluation.pooled import Pooled
from services.trainer.metrics.bootstrap import Bootstrap, Contrast, holm, rounded
from services.trainer.metrics.delong import delong
from services.trainer.metrics.statistic import Difference
from services.trainer.metrics.verdict import verdict
from services.trainer.report_model.comparisons import ArmContrast
from shared.arrays import Ints

PRIMARY_METRIC = "uno_c"
_ORDER = (PRIMARY_METRIC, "harrell_c")


def baseline_of(pooled: Pooled) -> str:
    """The arm that the primary one has to beat."""
    return baseline(pooled.cohort.profile, pooled.arms)


def contrasts(pooled: Pooled, bootstrap: Bootstrap) -> tuple[ArmContrast, ...]:
    """The primary contrast first, where its arms are there; then what each block adds, last rates at matched levels."""
    base = baseline_of(pooled)
    compared = [item for item in _compared(pooled, base) if item[0] in pooled.arms and item[1] in pooled.arms]
    results = [(item, _contrast(pooled, bootstrap, *item)) for item in compared]
    results += [((each.a, each.b, each.metric), bootstrap.contrast(each.gain)) for each in comparisons(pooled)]
    is_primary = [item[:2] == (PRIMARY, base) and item[2] == PRIMARY_METRIC for item, _ in results]
    adjusted = iter(holm([gain.p for (_, gain), primary in zip(results, is_primary, strict=True) if not primary]))
    return tuple(
        ArmContrast(
            a=a,
            b=b,
            metric=metric,
            gain=gain.rounded(),
            p_holm=None if primary else rounded(next(adjusted)),
            primary=primary,
        )
        for ((a, b, metric), gain), primary in zip(results, is_primary, strict=True)
    )


def _compared(pooled: Pooled, base: str) -> list[tuple[str, str, str]]:
    """Arms `a` and `b`, and the metric."""
    profile, first = pooled.cohort.profile, pooled.horizons[0]
    others = ("harrell_c", f"auc_{first:g}y") if pooled.cohort.has_times else ()  # else they are the same as the first
    less_a_block = [arm.name for arm in all_but(profile, pooled.blocks)]
    compared = [(PRIMARY, base, metric) for metric in (PRIMARY_METRIC, *others, "ibs", "net_benefit")]
    arms = arms_of(profile, pooled.blocks)
    left_out = {PRIMARY, base, "null", *(arm.name for arm in arms if isinstance(arm, AllBut))}
    compared += [(name, base, PRIMARY_METRIC) for name in pooled.arms if name not in left_out]
    if base != first_record_arm(profile):
        compared += [(base, first_record_arm(profile), "harrell_c")]
    return compared + [(PRIMARY, name, PRIMARY_METRIC) for name in less_a_block if name != base]


def _contrast(pooled: Pooled, bootstrap: Bootstrap, a: str, b: str, metric: str) -> Contrast:
    index = np.intersect1d(pooled.arms[a].known, pooled.arms[b].known)
    if metric in _ORDER and not pooled.cohort.has_times:
        return _of_auc(pooled, a, b, index)
    of = metrics(pooled)[metric]
    return bootstrap.contrast(Difference(pooled.figure(a, index, of), pooled.figure(b, index, of)))


def _of_auc(pooled: Pooled, a: str, b: str, index: Ints) -> Contrast:
    """Difference of the AUC, which is what C is of a yes or no, by DeLong's test on the same patients."""
    first, second = ([each.log_risk[index] for each in pooled.arms[name].repeats] for name in (a, b))
    return delong(pooled.cohort.outcome[index], first, second, pooled.horizons[0])


def sentence(contrast: ArmContrast | None, pooled: Pooled) -> str:
    """The primary contrast in words."""
    mark = "SIMULATED: " if pooled.cohort.simulated else ""
    if contrast is None:
        lacking = next((name for name in (PRIMARY, baseline_of(pooled)) if name not in pooled.arms), PRIMARY)
        return f"{mark}The gain of fusion cannot be estimated: {pooled.absent.get(lacking, 'there is no such arm')}."
    est, lo, hi = contrast.gain.est, contrast.gain.lo, contrast.gain.hi
    what = "Uno's C" if pooled.cohort.has_times else f"the AUC at {pooled.horizons[0]:g} years"
    if est is None:
        return (
            f"{mark}The gain of fusion cannot be estimated: there are no two patients of whom {what} knows the order."
        )
    if lo is None or hi is None:
        return (
            f"{mark}Fusion adds {_signed(est)} to {what}; there are too few events for an interval, so no gain shown."
        )
    return (
        f"{mark}Fusion adds {_signed(est)} to {what}, 95 % interval {_signed(lo)} to {_signed(hi)}: {verdict(lo, hi)}."
    )


def _signed(value: float) -> str:
    return f"{value:.3f}".replace("-", "\N{MINUS SIGN}")
