"""Figures and section of the study of the fusion weight: by scenario, by way to set it, and the verdicts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.arrays import Floats
from tests.studies.criteria import estimate
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of

TODAY, BOUNDED = "unconstrained", "non-negative"
_GAIN, _HARM = {"c": 0.001, "slope": 0.01}, {"c": 0.001, "slope": 0.01}
_SHOWN = ("wrong_sign", "over_clinical", "over_slides", "slope", "weight")


def fusion_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By scenario, each way's means and changes; by way, its verdict."""
    scenarios = [_scenario(piece) for piece in pieces]
    against = {way: TODAY if way == BOUNDED else BOUNDED for way in pieces[0]["value"] if way != TODAY}
    verdicts = {way: _verdict(pieces, way, other) for way, other in against.items()}
    return {"scenarios": scenarios, "verdicts": verdicts}


def _scenario(piece: Piece) -> dict[str, Any]:
    plan = {name: piece["plan"][name] for name in ("patients", "hazard_ratio", "correlation", "cohorts")}
    ways = {way: {name: mean_of(figures[name]) for name in _SHOWN} for way, figures in piece["value"].items()}
    return plan | {"ways": ways}


def _changes(piece: Piece, way: str, other: str) -> dict[str, Floats]:
    """Gain [cohorts] of one way over another in C, and in nearness of the slope to 1."""
    one, two = piece["value"][way], piece["value"][other]
    distance = [np.abs(np.array(figures["slope"]) - 1) for figures in (two, one)]
    return {"c": np.subtract(one["over_clinical"], two["over_clinical"]), "slope": distance[0] - distance[1]}


def _verdict(pieces: Sequence[Piece], way: str, other: str) -> dict[str, Any]:
    """Pooled gains over cohorts with an effect, the worst scenario, and whether the way is adopted."""
    changes = [_changes(piece, way, other) for piece in pieces]
    has_effect = [piece["plan"]["hazard_ratio"] > 1 for piece in pieces]
    verdict: dict[str, Any] = {"against": other}
    for name in _GAIN:
        by_scenario = [mean_of(change[name].tolist()) for change in changes]
        with_effect = [change[name] for change, has in zip(changes, has_effect, strict=True) if has]
        verdict[name] = mean_of(np.concatenate(with_effect).tolist())
        verdict[f"{name}_worst"] = min(by_scenario, key=lambda figure: figure["est"])
        verdict[f"{name}_harmed"] = sum(figure["hi"] < -_HARM[name] for figure in by_scenario)
    harmed = sum(verdict[f"{name}_harmed"] for name in _HARM)
    gains = any(verdict[name]["est"] >= least and verdict[name]["lo"] > 0 for name, least in _GAIN.items())
    wrong_sign = max(max(piece["value"][way]["wrong_sign"]) for piece in pieces)
    required = way == BOUNDED and not wrong_sign
    return verdict | {"adopted": (gains or required) and not harmed}


def fusion_section(value: Mapping[str, Any]) -> str:
    """Each scenario's rows, then the verdicts."""
    header = ("patients", "HR", "correlation", "way", "wrong sign, %", "C less clinical", "C less slides", "slope")
    rows = [
        (
            one["patients"], f"{one['hazard_ratio']:g}", f"{one['correlation']:g}", way,
            f"{100 * figures['wrong_sign']['est']:.1f}", estimate(figures["over_clinical"], 4),
            estimate(figures["over_slides"], 4), estimate(figures["slope"], 3),
        )
        for one in value["scenarios"]
        for way, figures in one["ways"].items()
    ]  # fmt: skip
    return f"{table(header, rows)}\n\n{_verdicts(value['verdicts'])}"


def _verdicts(verdicts: Mapping[str, Any]) -> str:
    header = (
        "way",
        "against",
        "gain in C",
        "gain in slope",
        "worst C",
        "worst slope",
        "scenarios harmed",
        "meets the rule",
    )
    rows = [
        (
            way, one["against"], estimate(one["c"], 4), estimate(one["slope"], 4), estimate(one["c_worst"], 4),
            estimate(one["slope_worst"], 4), one["c_harmed"] + one["slope_harmed"], "yes" if one["adopted"] else "no",
        )
        for way, one in verdicts.items()
    ]  # fmt: skip
    note = "Gains are over all cohorts with an effect; worst is the scenario with the lowest mean."
    return f"{note}\n\n{table(header, rows)}"
