"""From the pieces that compare hazards of tiles with attention networks to their table and criteria."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from shared.arrays import Floats
from tests.studies.criteria import NOT_RUN, Criterion, estimate, percent
from tests.studies.sections import table
from tests.studies.summaries import Piece, gains, mean_of

Value = Mapping[str, Any]
WAYS = {"networks": "attention networks", "hazards": "hazards of tiles"}
_SAMPLES = 4000
_MARGIN, _BAND = -0.005, -0.01
"""Least mean gain over networks with an effect, and over the table without one."""
_HEADER = (
    "slides", "patients", "effect", "seeds", "read by", "r with the latent", "C of the table", "gain",
    "gain of the oracle", "share of the oracle's gain, %", "less networks", "processor for a fit, s",
)  # fmt: skip
_PATIENTS = {"bags": 300, "slides": 200}
"""Of the training cohorts that decide."""


def ways_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By kind of slides, size and effect: gains of both ways, their difference, and that over all effects."""
    scenarios = sorted({(*_group(piece), effect) for piece in pieces for effect in piece["value"]["by_effect"]})
    cpu_s = {name: round(sum(_cpu(pieces, name)), 1) for name in WAYS}
    groups = sorted({_group(piece) for piece in pieces})
    return {
        "scenarios": [_scenario(scenario, pieces) for scenario in scenarios],
        "groups": [_of_group(group, pieces) for group in groups],
        "fit_cpu_s": cpu_s,
    }


def _group(piece: Piece) -> tuple[str, int]:
    plan = piece["plan"]
    return "slides" if plan["slides"] else "bags", plan["patients"]


def _cpu(pieces: Sequence[Piece], way: str) -> list[float]:
    """Of every fit."""
    by_effect = (fits for piece in pieces for fits in piece["value"]["by_effect"].values())
    return [fit[way]["fit_cpu_s"] for fits in by_effect for fit in fits]


def _scenario(scenario: tuple[str, int, str], pieces: Sequence[Piece]) -> dict[str, Any]:
    source, patients, effect = scenario
    own = [piece for piece in pieces if _group(piece) == (source, patients) and effect in piece["value"]["by_effect"]]
    facts = {"source": source, "patients": patients, "effect": float(effect), "seeds": len(own)}
    ways = {name: _of_way(own, name, effect) for name in WAYS}
    return {**facts, "difference": _difference(own, (effect,)), "ways": ways}


def _of_way(own: Sequence[Piece], way: str, effect: str) -> dict[str, Any]:
    """Its gains as of the other studies, correlation with the latent and processor time of a fit."""
    draws = {piece["plan"]["seed"]: _draws(piece["value"]["by_effect"][effect], way) for piece in own}
    (gained,) = gains((seed, float(effect), values) for seed, values in draws.items()).values()
    cpu_s = [fit[way]["fit_cpu_s"] for piece in own for fit in piece["value"]["by_effect"][effect]]
    figures = {name: mean_of([row[name] for row in gained["rows"]]) for name in ("latent_r", "table_c")}
    return {**gained, **figures, "fit_cpu_s": float(np.mean(cpu_s))}


def _draws(fits: Sequence[Mapping[str, Any]], way: str) -> list[dict[str, Any]]:
    """Numbers of every draw of outcomes that a fitted way was asked about."""
    return [
        {"patients": fit["patients"], "events": fit["events"]}
        | {name: fit[way][name] for name in ("external", "latent_r")}
        | draw
        for fit in fits
        for draw in fit[way]["draws"]
    ]


def _of_group(group: tuple[str, int], pieces: Sequence[Piece]) -> dict[str, Any]:
    own = [piece for piece in pieces if _group(piece) == group]
    effects = tuple(effect for effect in own[0]["value"]["by_effect"] if float(effect) > 1)
    return {"source": group[0], "patients": group[1], "seeds": len(own), "difference": _difference(own, effects)}


def _difference(own: Sequence[Piece], effects: Sequence[str]) -> dict[str, Any]:
    """Mean gain of hazards of tiles less that of networks, with a bootstrap of seeds, trainings, draws and patients."""
    est = np.mean([[_less(piece, effect, "") for effect in effects] for piece in own])
    samples = np.stack([np.mean([_less(piece, effect, ".draws") for effect in effects], axis=0) for piece in own])
    lo, hi = np.nanquantile(_again(samples), [0.025, 0.975])
    return {"est": float(est), "lo": float(lo), "hi": float(hi), "seeds": len(own)}


def _less(piece: Piece, effect: str, suffix: str) -> Floats:
    """[trainings, draws], or with `.draws` [trainings, draws, samples] of patients drawn again."""
    fits = piece["value"]["by_effect"][effect]
    hazards, networks = (
        np.array([[draw[f"uno_c.fused{suffix}"] for draw in fit[way]["draws"]] for fit in fits], np.float64)
        for way in ("hazards", "networks")
    )
    return np.asarray(hazards - networks, np.float64)


def _again(samples: Floats) -> Floats:
    """Means of seeds, of each its trainings, draws and patients, drawn again: [seeds, trainings, draws, samples]."""
    rng = np.random.default_rng(3)
    seeds, trainings, draws, count = samples.shape
    chosen, patients = (rng.integers(0, most, (_SAMPLES, seeds, 1, 1)) for most in (seeds, count))
    training = rng.integers(0, trainings, (_SAMPLES, seeds, trainings, 1))
    draw = rng.integers(0, draws, (_SAMPLES, seeds, trainings, draws))
    return np.asarray(np.nanmean(samples[chosen, training, draw, patients], axis=(1, 2, 3)), np.float64)


def ways_section(value: Value) -> str:
    """Both ways of each scenario, and of all effects together what one gains over the other."""
    rows = [_row(each, name) for each in value["scenarios"] for name in WAYS]
    together = [
        (group["source"], group["patients"], group["seeds"], estimate(group["difference"], 4))
        for group in value["groups"]
    ]
    header = ("slides", "patients", "seeds", "hazards of tiles less networks, all effects together")
    return f"{table(_HEADER, rows)}\n\n{table(header, together)}"


def _row(each: Value, way: str) -> tuple[object, ...]:
    own = each["ways"][way]
    return (
        each["source"], each["patients"], f"HR {each['effect']:g}", each["seeds"], WAYS[way],
        estimate(own["latent_r"], 2), estimate(own["table_c"]), estimate(own["fused"], 4), estimate(own["oracle"], 4),
        estimate(percent(own["share"]), 0) if each["effect"] > 1 else "",
        estimate(each["difference"], 4) if way == "hazards" else "", f"{own['fit_cpu_s']:.1f}",
    )  # fmt: skip


def ways_criteria(value: Value | None) -> Iterator[Criterion]:
    """As NOTEBOOK.md stated them before the seeds were drawn."""
    for source, patients in _PATIENTS.items():
        yield _gain(source, _only(value, "groups", source, patients))
    for source, patients in _PATIENTS.items():
        yield _no_effect(source, _only(value, "scenarios", source, patients))
    text = "SIMULATED, hazards of tiles: fitting takes no more processor time than attention networks"
    if value is None:
        yield Criterion(text, NOT_RUN, None)
        return
    own, networks = value["fit_cpu_s"]["hazards"], value["fit_cpu_s"]["networks"]
    yield Criterion(text, f"{own:.0f} s against {networks:.0f} s, all fits together", own <= networks)


def _only(value: Value | None, what: str, source: str, patients: int) -> Value | None:
    """The group of the kind of slides, or its scenario without an effect."""
    wanted = (source, patients)
    own = (each for each in (value or {what: ()})[what] if (each["source"], each["patients"]) == wanted)
    return next((each for each in own if each.get("effect", 1) == 1), None)


def _gain(source: str, group: Value | None) -> Criterion:
    text = f"SIMULATED, {source}, HR 1.3 and 1.6: gain of hazards of tiles less that of networks ≥ {_MARGIN}"
    if group is None:
        return Criterion(text, NOT_RUN, None)
    difference = group["difference"]
    measured = f"{estimate(difference, 4)} over {group['seeds']} seeds"
    uncertain = difference["lo"] < _MARGIN <= difference["hi"]
    return Criterion(text, measured, difference["est"] >= _MARGIN, "the interval contains the limit" * uncertain)


def _no_effect(source: str, each: Value | None) -> Criterion:
    text = f"SIMULATED, {source}, no effect, hazards of tiles: no mean loss of more than {-_BAND}"
    if each is None:
        return Criterion(text, NOT_RUN, None)
    gain = each["ways"]["hazards"]["fused"]
    beside = f"networks {estimate(each['ways']['networks']['fused'], 4)}"
    uncertain = gain["lo"] is not None and gain["lo"] < _BAND <= gain["hi"]
    why = "the interval contains the limit" if uncertain else ""
    return Criterion(text, f"{estimate(gain, 4)} over {each['seeds']} seeds; {beside}", gain["est"] >= _BAND, why)
