"""What a cohort shows of sensitivity and specificity against the record and the rule, in sentences."""

from collections.abc import Iterator, Mapping, Sequence

from services.trainer.arms.registry import PRIMARY, record_arm
from services.trainer.arms.rule import RULE
from services.trainer.evaluation.pooled import ArmResult, Pooled
from services.trainer.metrics.bootstrap import Contrast, Figure
from services.trainer.metrics.verdict import verdict
from services.trainer.rate_gains import RateGain, fails_holm, held_at, rates_sentence
from services.trainer.report_model.comparisons import ArmContrast, MatchedRates, Moved


def claims(
    pooled: Pooled, matched: Sequence[MatchedRates], contrasts: Sequence[ArmContrast], moved: Sequence[Moved]
) -> tuple[str, ...]:
    """What was shown and what was not in one sentence, then one for each comparison of the primary arm and each count.

    At the first horizon. Empty where there is nothing to compare.
    """
    arm = PRIMARY if PRIMARY in pooled.arms else record_arm(pooled.cohort.profile)
    gains = {(row.a, row.b, row.metric): row for row in contrasts}
    compared = [rates for rates in matched if rates.a == arm and rates.horizon_years == pooled.horizons[0]]
    pairs = [(rates, gains[rates.a, rates.b, rates.metric]) for rates in compared]
    if not pairs:
        return ()
    names = {name: _name(pooled.arms[name]) for name in pooled.arms}
    sentences = (
        _summary(names[arm], pairs, names),
        *(_rates(*pair, names) for pair in pairs),
        *_counts(moved, names),
    )
    mark = "SIMULATED: " if pooled.cohort.simulated else ""
    return tuple(f"{mark}{sentence}" for sentence in filter(None, sentences))


def _summary(arm: str, pairs: Sequence[tuple[MatchedRates, ArmContrast]], names: Mapping[str, str]) -> str:
    """What was shown and what was not: against the record at a fixed level, against the rule at its own rates."""
    chosen = [(rates, contrast) for rates, contrast in pairs if (rates.b == RULE) == _is_at_the_rules(rates)]
    gains = [
        RateGain(
            "the rule" if rates.b == RULE else f"{names[rates.b]} alone",
            _kept_and_read(rates)[1],
            held_at(_kept_and_read(rates)[0], rates.held.est, is_own=_is_at_the_rules(rates)),
            contrast.gain,
            contrast.p_holm,
        )
        for rates, contrast in chosen
    ]
    return rates_sentence(arm, pairs[0][0].horizon_years, gains)


def _is_at_the_rules(rates: MatchedRates) -> bool:
    return "_of_rule_" in rates.metric


def _kept_and_read(rates: MatchedRates) -> tuple[str, str]:
    return ("specificity", "sensitivity") if rates.metric.startswith("sens") else ("sensitivity", "specificity")


def _rates(rates: MatchedRates, contrast: ArmContrast, names: Mapping[str, str]) -> str:
    """One comparison; empty where a rate is unknown."""
    shares = [rates.held.est, rates.of_a.est, rates.of_b.est]
    held, of_a, of_b = (f"{100 * share:.0f}\N{NO-BREAK SPACE}%" if share is not None else "" for share in shares)
    if not (held and of_a and of_b):
        return ""
    kept, read = _kept_and_read(rates)
    at = f"the rule's own {kept}" if _is_at_the_rules(rates) else f"a {kept}"
    return (
        f"At {at} of {held}, {names[rates.a]} have a {read} of {of_a} and {names[rates.b]} one of {of_b} "
        f"({rates.horizon_years:g} years); difference {_points(contrast.gain)}: {_verdict(contrast)}."
    )


def _verdict(contrast: ArmContrast) -> str:
    lo, hi = contrast.gain.lo, contrast.gain.hi
    if lo is None or hi is None:
        return "too few events for an interval, so no gain shown"
    after = lo > 0 and fails_holm(contrast.p_holm)
    return verdict(lo, hi) + (", which does not hold once the number of comparisons is considered" if after else "")


def _points(gain: Contrast) -> str:
    est, lo, hi = (None if value is None else f"{100 * value:+.0f}" for value in (gain.est, gain.lo, gain.hi))
    interval = "" if lo is None else f" ({lo} to {hi})"
    return f"{est}{interval} percentage points".replace("-", "\N{MINUS SIGN}")


def _counts(moved: Sequence[Moved], names: Mapping[str, str]) -> Iterator[str]:
    for row in moved:
        up, up_wrongly, down_wrongly, down = map(
            _count, (row.up_with_event, row.up_without, row.down_with_event, row.down_without)
        )
        yield (
            f"Of 100 patients, {names[row.a]} call {up} high who have the event by {row.horizon_years:g} years and "
            f"whom {names[row.b]} call low (rightly), and {up_wrongly} who do not have it (wrongly); they call {down} "
            f"low who do not have it (rightly), and {down_wrongly} who have it (wrongly)."
        )


def _count(figure: Figure) -> str:
    if figure.est is None:
        return "an unknown number"
    return f"{figure.est:.1f}" + ("" if figure.lo is None else f" ({figure.lo:.1f} to {figure.hi:.1f})")


def _name(arm: ArmResult) -> str:
    """An arm in a sentence, in the plural."""
    if arm.name == PRIMARY:
        return "all blocks together"
    title = arm.title if arm.name != RULE else "the cut-offs of the rule"
    return title[:1].lower() + title[1:]
