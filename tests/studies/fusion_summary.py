"""From the cohorts of the study of the fusion weight to its table, and to the verdict on each correction."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.studies.adoption import SLOPE, C, verdict, verdicts_table
from tests.studies.criteria import estimate
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of

TODAY, BOUNDED = "unconstrained", "non-negative"
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


def _verdict(pieces: Sequence[Piece], way: str, other: str) -> dict[str, Any]:
    """By the stated rule; the non-negative weight is required to have no wrong sign instead of a gain."""
    wrong_sign = max(max(piece["value"][way]["wrong_sign"]) for piece in pieces)
    return verdict(pieces, way, other, (C, SLOPE), required=way == BOUNDED and not wrong_sign)


def fusion_section(value: Mapping[str, Any]) -> str:
    """Each scenario's rows, then the verdicts."""
    header = ("patients", "HR", "correlation", "way", "wrong sign, %", "C less clinical", "C less slides", "slope")
    rows = [
        (
            scenario["patients"], f"{scenario['hazard_ratio']:g}", f"{scenario['correlation']:g}", way,
            f"{100 * figures['wrong_sign']['est']:.1f}", estimate(figures["over_clinical"], 4),
            estimate(figures["over_slides"], 4), estimate(figures["slope"], 3),
        )
        for scenario in value["scenarios"]
        for way, figures in scenario["ways"].items()
    ]  # fmt: skip
    return f"{table(header, rows)}\n\n{verdicts_table(value['verdicts'], {'c': 'C', 'slope': 'slope'})}"
