"""From the pieces of the study of rare and common signals to its tables and criteria."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.studies.criteria import NOT_RUN, Criterion, estimate, percent
from tests.studies.sections import table
from tests.studies.summaries import Piece, gains, mean_of

Value = Mapping[str, Any]
_HEADER = (
    "signal", "slides read by", "effect", "patients", "seeds", "r with the latent", "C of the table", "gain",
    "gain of the oracle", "share of the oracle's gain, %",
)  # fmt: skip
_EVIDENCE = ("top_tiles", "prototype_ratio", "purest")
_EVIDENCE_HEADER = (
    "slides read by", "effect", "patients", "seeds",
    "pattern among the 10 tiles of the largest hazard, times chance",
    "pattern in the prototype of the largest hazard, times chance", "pattern in the purest prototype, %",
)  # fmt: skip
_WAYS = {"hazards": "hazards of tiles", "labels": "a classifier of 200 labels"}
_SHARES = (("hazards", "common", 80), ("labels", "rare", 40), ("hazards", "rare", 25))
"""Least share of the oracle's gain, %, by way and signal."""
_SHOWN = {
    "top_tiles": "the 10 tiles of the largest hazard",
    "prototype_ratio": "tiles of the prototype of the largest hazard",
}
_BAND, _LARGE, _EFFECT, _TIMES = 0.01, 400, 1.6, 5


def rare_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By signal, labels, effect and size: gains and their share, and how often evidence shows the pattern."""
    scenarios = sorted({_scenario(piece) for piece in pieces})
    return {"scenarios": [_figures(scenario, pieces) for scenario in scenarios]}


def _scenario(piece: Piece) -> tuple[str, str, float, int]:
    plan = piece["plan"]
    return plan["signal"], plan["way"], plan["effect"], plan["patients"]


def _figures(scenario: tuple[str, str, float, int], pieces: Sequence[Piece]) -> dict[str, Any]:
    own = [piece for piece in pieces if _scenario(piece) == scenario]
    signal, way, effect, patients = scenario
    (gained,) = gains((piece["plan"]["seed"], effect, piece["value"]["draws"]) for piece in own).values()
    figures = {name: mean_of([row[name] for row in gained["rows"]]) for name in ("latent_r", "table_c")}
    shown = [piece["value"] for piece in own if signal == "rare" and "top_tiles" in piece["value"]]
    evidence = {name: mean_of([v[name] for v in shown]) for name in _EVIDENCE if name in shown[0]} if shown else None
    facts = {"signal": signal, "way": way, "effect": effect, "patients": patients, "evidence": evidence}
    return {**facts, **figures, **gained}


def rare_section(value: Value) -> str:
    """A row for each scenario, and the evidence on rare signals."""
    rows = [
        (
            each["signal"], _WAYS[each["way"]], f"HR {each['effect']:g}", each["patients"],
            each["fused"]["seeds"], estimate(each["latent_r"], 2), estimate(each["table_c"]),
            estimate(each["fused"], 4), estimate(each["oracle"], 4),
            estimate(percent(each["share"]), 0) if each["effect"] > 1 else "",
        )
        for each in value["scenarios"]
    ]  # fmt: skip
    evidence = [_evidence_row(each) for each in value["scenarios"] if each["evidence"]]
    return f"{table(_HEADER, rows)}\n\n{table(_EVIDENCE_HEADER, evidence)}"


def _evidence_row(each: Value) -> tuple[object, ...]:
    shown = each["evidence"]
    ratios = [estimate(shown[name], 1) if name in shown else "" for name in ("top_tiles", "prototype_ratio")]
    purest = estimate(percent(shown["purest"]), 0) if "purest" in shown else ""
    return _WAYS[each["way"]], f"HR {each['effect']:g}", each["patients"], each["fused"]["seeds"], *ratios, purest


def rare_criteria(value: Value | None) -> Iterator[Criterion]:
    """As the study's page states them."""
    scenarios = (value or {"scenarios": ()})["scenarios"]
    for way, signal, least in _SHARES:
        text = f"SIMULATED, pool of real tiles, {signal} signal, {_WAYS[way]}, "
        text += f"{_LARGE} patients: ≥ {least} % of the oracle's gain"
        yield _share(text, _scenario_of(scenarios, signal, way), least)
    unlabelled = [each for each in scenarios if each["signal"] == "rare" and each["way"] == "hazards"]
    yield _never_below([each for each in unlabelled if each["effect"] > 1])
    yield from (_no_effect(each) for each in scenarios if each["effect"] == 1)
    yield from _evidence(_scenario_of(scenarios, "rare", "hazards"))


def _scenario_of(scenarios: Sequence[Value], signal: str, way: str) -> Value | None:
    wanted = (signal, way, _EFFECT, _LARGE)
    named = {(each["signal"], each["way"], each["effect"], each["patients"]): each for each in scenarios}
    return named.get(wanted)


def _share(text: str, each: Value | None, least: float) -> Criterion:
    if each is None:
        return Criterion(text, NOT_RUN, None)
    share = percent(each["share"])
    measured = f"{estimate(share, 0)} % over {each['fused']['seeds']} seeds: gain {estimate(each['fused'], 4)}, "
    measured += f"oracle {estimate(each['oracle'], 4)}"
    if share["lo"] is None:
        return Criterion(text, f"{measured}; the oracle's own gain is uncertain", None)
    contains = share["lo"] < least <= share["hi"]
    return Criterion(text, measured, share["est"] >= least, "the interval contains the limit" if contains else "")


def _never_below(unlabelled: Sequence[Value]) -> Criterion:
    text = f"SIMULATED, pool of real tiles, rare signal, hazards of tiles: no cohort loses more than {_BAND}"
    if not unlabelled:
        return Criterion(text, NOT_RUN, None)
    measured = "; ".join(
        f"{each['patients']} patients {estimate(each['fused'], 4)}{_worst(each)}" for each in unlabelled
    )
    rows = [row["fused"]["est"] for each in unlabelled for row in each["rows"]]
    lose = sum(gain < -_BAND for gain in rows)
    return Criterion(text, measured, not lose, f"{lose} of {len(rows)} do" if lose else "")


def _worst(each: Value) -> str:
    """Of single cohorts, so that a mean hides none."""
    gains = [row["fused"]["est"] for row in each["rows"]]
    return f", the lowest of {len(gains)} cohorts {min(gains):.4f}"


def _no_effect(each: Value) -> Criterion:
    text = f"SIMULATED, pool of real tiles, no effect, {each['signal']} tissue, {each['patients']} patients: "
    gain = each["fused"]
    measured = f"{estimate(gain, 4)} over {gain['seeds']} seeds{_worst(each)}"
    certain = gain["lo"] is not None and max(abs(gain["lo"]), abs(gain["hi"])) <= _BAND
    inside = abs(gain["est"]) <= _BAND
    why = "" if certain or not inside else "its interval goes past the band"
    return Criterion(f"{text}within ±{_BAND}", measured, inside, why)


def _evidence(each: Value | None) -> Iterator[Criterion]:
    for name, what in _SHOWN.items():
        text = (
            f"SIMULATED, pool of real tiles, rare signal: {what} show the pattern ≥ {_TIMES} times as often as chance"
        )
        if each is None or not each["evidence"]:
            yield Criterion(text, NOT_RUN, None)
            continue
        ratio = each["evidence"][name]
        contains = ratio["lo"] is not None and ratio["lo"] < _TIMES <= ratio["hi"]
        why = "the interval contains the limit" if contains else ""
        yield Criterion(text, f"{estimate(ratio, 1)} times", ratio["est"] >= _TIMES, why)
