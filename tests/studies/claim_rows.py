"""Rows of the criteria on the claim of higher sensitivity and specificity than clinical variables or the rule."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.studies.criteria import NOT_RUN, Criterion, estimate
from tests.studies.summaries import mean_of

Results = Mapping[str, Any]
Row = Mapping[str, Any]
_EFFECT = "1.6"
_METRICS = {
    "sensitivity_at_specificity_0.8_3y": "sensitivity at a specificity of 0.80",
    "specificity_at_sensitivity_0.8_3y": "specificity at a sensitivity of 0.80",
    "specificity_at_sensitivity_of_rule_3y": "specificity at the rule's own sensitivity",
}
_ENDS = ("est", "lo", "hi")


def matched_contrasts(contrasts: Sequence[Row]) -> list[dict[str, Any]]:
    """What the note quotes of the contrasts of a report at matched rates."""
    return [
        {name: row[name] for name in ("a", "b", "metric", *_ENDS)} for row in contrasts if row["metric"] in _METRICS
    ]


def claim_criteria(results: Results) -> Iterator[Criterion]:
    """Of the fused arm of SIMULATED cohorts with an effect of slides, and of the whole record of Cavalli."""
    yield from _criteria("SIMULATED, HR 1.6, cross-validated bags", "fused", _simulated(results))
    yield from _criteria("Cavalli, deaths", "clinical_molecular", _cavalli(results))


def _criteria(cohort: str, arm: str, gains: Mapping[tuple[str, str, str], Row]) -> Iterator[Criterion]:
    pairs = [(b, metric) for b in ("clinical", "rule") for metric in _METRICS if (arm, b, metric) in gains]
    if not pairs:
        yield Criterion(f"{cohort}: higher sensitivity and specificity than clinical variables alone", NOT_RUN, None)
    for b, metric in pairs:
        gain = gains[arm, b, metric]
        text = f"{cohort}: higher {_METRICS[metric]}, 3 years, {arm} less {b}"
        is_shown = gain["lo"] is not None and gain["lo"] > 0
        over = f" over {gain['seeds']} seeds" if "seeds" in gain else ""
        yield Criterion(text, f"{estimate(gain)}{over}", is_shown, "" if is_shown else "no gain was shown")


def _cavalli(results: Results) -> dict[tuple[str, str, str], Row]:
    contrasts = results["cavalli"]["value"]["contrasts"] if "cavalli" in results else ()
    return {_key(row): row for row in matched_contrasts(contrasts)}


def _simulated(results: Results) -> dict[tuple[str, str, str], Row]:
    """Means over seeds."""
    value = results["cross-validated"]["value"].get(_EFFECT) if "cross-validated" in results else None
    gains: dict[tuple[str, str, str], list[float]] = {}
    for row in (each for cohort in (value or {"rows": ()})["rows"] for each in cohort.get("matched", ())):
        if row["est"] is not None:
            gains.setdefault(_key(row), []).append(row["est"])
    return {key: mean_of(values) for key, values in gains.items()}


def _key(row: Row) -> tuple[str, str, str]:
    return row["a"], row["b"], row["metric"]
