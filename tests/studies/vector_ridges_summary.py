"""From the cohorts of the study of vectors to its table, and to the verdict on one ridge for all inner folds."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.studies.adoption import SLOPE, C, Measure, verdict, verdicts_table
from tests.studies.criteria import estimate
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of
from tests.studies.vector_ridges import BY_FOLD, ONE

_ALONE = Measure("alone", "alone", 0.001)
_TITLES = {"c": "C", "alone": "C alone", "slope": "slope"}


def vectors_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By scenario, means of each way's figures; the verdict on one ridge."""
    scenarios = [_scenario(piece) for piece in pieces]
    return {"scenarios": scenarios, "verdicts": {ONE: verdict(pieces, ONE, BY_FOLD, (C, _ALONE, SLOPE))}}


def _scenario(piece: Piece) -> dict[str, Any]:
    plan = {name: piece["plan"][name] for name in ("patients", "hazard_ratio", "columns", "cohorts")}
    ways = {way: {name: mean_of(values) for name, values in figures.items()} for way, figures in piece["value"].items()}
    return plan | {"ways": ways}


def vectors_section(value: Mapping[str, Any]) -> str:
    """Each scenario's rows, then the verdict."""
    figures = {"over_clinical": 4, "alone": 4, "out_of_fold": 4, "weight": 3, "slope": 3}
    header = ("patients", "HR", "columns", "way", "C less clinical", "alone", "out of fold", "weight", "slope")
    rows = [
        (
            scenario["patients"],
            f"{scenario['hazard_ratio']:g}",
            scenario["columns"],
            way,
            *(estimate(way_figures[name], digits) if name in way_figures else "" for name, digits in figures.items()),
        )
        for scenario in value["scenarios"]
        for way, way_figures in scenario["ways"].items()
    ]
    return f"{table(header, rows)}\n\n{verdicts_table(value['verdicts'], _TITLES)}"
