"""Rows of the criteria for goals that have no study of their own, or whose study needs data that is not here."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.studies.criteria import NOT_RUN, Criterion, estimate
from tests.studies.rule_study import RULE
from tests.studies.rule_ways import RIDGE
from tests.studies.summaries import mean_of

Results = Mapping[str, Any]
_BAND = 0.01
"""Of C that a random feature may gain or lose, and of macro AUC that fine-tuning may lose."""
_TIMES = 5
"""How many times as often as chance a prototype shows a rare pattern, at least."""
_ARM = "clinical_molecular"


def goals(results: Results, finetuning: Mapping[str, Any] | None) -> Iterator[Criterion]:
    """Unseen relapses, the random feature, fine-tuning, and prototypes as a report shows them."""
    yield from _unseen(results)
    yield from _random_feature(results)
    yield from _finetuning(finetuning)
    yield _shown_prototypes(_value(results, "prototypes"))


def _value(results: Results, study: str) -> Results | None:
    return results[study]["value"] if study in results else None


def _unseen(results: Results) -> Iterator[Criterion]:
    """Goals on cohorts that the project does not have, each beside the nearest figure of Cavalli."""
    cohort = "Relapses of a cohort that the project has not seen"
    cavalli = (_value(results, "cavalli") or {"arms": {}})["arms"].get(_ARM)
    nearest = _nearest_specificity(_value(results, "cavalli-rule"))
    yield _not_measured(f"{cohort}: specificity ≥ 0.61 at sensitivity 0.78, 3 years", nearest)
    c = f"pooled C of Cavalli's deaths {estimate(cavalli['harrell_c'])}" if cavalli else ""
    yield _not_measured(f"{cohort}: pooled C ≥ 0.67", c)
    auc = f"AUC at 3 years of Cavalli's deaths {estimate(cavalli['auc_3y'])}" if cavalli else ""
    yield _not_measured("Relapse, yes or no, of 78 patients that the project has not seen: AUROC ≥ 0.73", auc)


def _nearest_specificity(value: Results | None) -> str:
    if value is None:
        return ""
    ways = value["scenarios"][0]["arms"][_ARM]
    ridge, rule = estimate(ways[RIDGE]["at_78"]), estimate(ways[RULE]["at_78"])
    return f"for Cavalli's deaths {ridge}, the rule alone {rule} (study `cavalli-rule`)"


def _not_measured(text: str, nearest: str) -> Criterion:
    measured = "not measured: no such cohort is here"
    return Criterion(text, f"{measured}; nearest: {nearest}" if nearest else measured, None)


def _random_feature(results: Results) -> Iterator[Criterion]:
    """The gain of a column of noise, by cohort."""
    for name, cohort in (("cavalli", "Cavalli"), ("hancock", "HANCOCK")):
        value = _value(results, name)
        yield _noise(cohort, value["controls"]["random_feature_gain"] if value else None, "")
    rows = [row for each in (_value(results, "cross-validated") or {}).values() for row in each["rows"]]
    seeds: dict[int, list[float]] = {}
    for row in rows:
        seeds.setdefault(row["seed"], []).append(row["controls"]["random_feature_gain"]["est"])
    gain = mean_of([sum(gains) / len(gains) for gains in seeds.values()]) if rows else None
    yield _noise("SIMULATED, cross-validated bags", gain, f" over {len(seeds)} seeds")


def _noise(cohort: str, gain: Results | None, of: str) -> Criterion:
    text = f"{cohort}: a random feature changes Harrell's C by at most {_BAND}"
    if gain is None:
        return Criterion(text, NOT_RUN, None)
    return Criterion(text, f"{estimate(gain, 4)}{of}", abs(gain["est"]) <= _BAND)


def _finetuning(report: Mapping[str, Any] | None) -> Iterator[Criterion]:
    harm = f"Fine-tuning, public tiles: what is exported is nowhere worse than the frozen encoder by more than {_BAND}"
    better = "Fine-tuning, public tiles: better than the frozen encoder on one set or more, its interval above 0"
    if report is None:
        yield from (Criterion(text, NOT_RUN, None) for text in (f"{harm} of macro AUC", better))
        return
    gains = {data["title"]: data["macro_auc"]["gain_exported"] for data in report["sets"]}
    measured = "; ".join(f"{title}: {estimate(gain)}" for title, gain in gains.items())
    runs = [way for data in report["sets"] for way in data["exported"]]
    frozen = "" if "tuned" in runs else "the frozen encoder was exported in every run"
    yield Criterion(f"{harm} of macro AUC", measured, all(gain["est"] >= -_BAND for gain in gains.values()), frozen)
    shown = any(gain["lo"] is not None and gain["lo"] > 0 for gain in gains.values())
    kept = f"the guard exported the tuned encoder in {runs.count('tuned')} of {len(runs)} runs"
    yield Criterion(better, f"{kept}; gains as above", shown, "" if shown else "no gain was shown")


def _shown_prototypes(value: Results | None) -> Criterion:
    text = (
        "SIMULATED, pool of real tiles, rare signal: of the prototypes that a report shows, the one of the largest "
        f"hazard ratio shows the pattern ≥ {_TIMES} times as often as chance"
    )
    wanted = [each for each in (value or {"scenarios": ()})["scenarios"] if _is_largest_with_effect(each)]
    if not wanted:
        return Criterion(text, NOT_RUN, None)
    shown = next(iter(wanted[0]["sets"].values()))
    seeds = shown["times"]["seeds"]
    measured = f"{estimate(shown['times'], 1)} times, and in {shown['names']} of {seeds} cohorts"
    few = "" if shown["names"] == seeds else "by the mean, not in every cohort"
    return Criterion(text, measured, shown["times"]["est"] >= _TIMES, few)


def _is_largest_with_effect(scenario: Mapping[str, Any]) -> bool:
    return bool(scenario["effect"] > 1 and scenario["patients"] == 400)
