"""From the pieces of the studies of the rule to their tables: figures of every way, and differences from today's."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tests.studies.criteria import estimate
from tests.studies.rule_study import FIGURES
from tests.studies.rule_ways import RIDGE
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of

Ways = Mapping[str, Mapping[str, Sequence[float]]]
_TITLES = ("C", "specificity at sensitivity 0.78", "at 0.80", "at the rule's own")
_HARM = {"c": -0.002, "at_78": -0.01, "at_80": -0.01}
"""A difference whose interval lies below is a harm."""


def simulated_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By scenario, arm and way, means over cohorts with Student's interval; all scenarios together as another one."""
    scenarios = [{"truth": _truth(piece), "patients": piece["plan"]["patients"]} | _means(piece) for piece in pieces]
    joined = {
        arm: {
            way: {name: [value for piece in pieces for value in piece["value"][arm][way][name]] for name in FIGURES}
            for way in ways
        }
        for arm, ways in pieces[0]["value"].items()
    }
    return {"scenarios": [*scenarios, {"truth": "all", "patients": ""} | _means({"value": joined})]}


def _truth(piece: Piece) -> str:
    return "the rule" if piece["plan"]["follows_rule"] else "variables"


def _means(piece: Piece) -> dict[str, Any]:
    return {"arms": {arm: _by_way(ways, mean_of) for arm, ways in piece["value"].items()}}


def public_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By arm and way, figures of all patients with the interval of their bootstrap."""
    arms = {arm: _by_way(ways, _of_draws) for arm, ways in pieces[0]["value"].items()}
    return {"scenarios": [{"truth": "Cavalli", "patients": "", "arms": arms}]}


def _by_way(ways: Ways, summarised: Any) -> dict[str, Any]:
    return {
        way: {name: summarised(figures[name]) for name in FIGURES}
        | {
            f"{name}_gain": summarised(np.subtract(figures[name], ways[RIDGE][name]).tolist())
            for name in FIGURES
            if way != RIDGE
        }
        for way, figures in ways.items()
    }


def _of_draws(values: Sequence[float]) -> dict[str, float]:
    """The figure of all patients, which comes first, and percentiles of those of the samples."""
    lo, hi = np.nanpercentile(values[1:], [2.5, 97.5])
    return {"est": values[0], "lo": float(lo), "hi": float(hi)}


def rule_section(value: Mapping[str, Any]) -> str:
    """Figures of every way, then the differences from the ridge of today."""
    head = ("truth", "patients", "arm", "way")
    figures, differences = [], []
    for scenario in value["scenarios"]:
        for arm, ways in scenario["arms"].items():
            for way, row in ways.items():
                place = (scenario["truth"], scenario["patients"], arm, way)
                figures.append((*place, *(estimate(row[name]) for name in FIGURES)))
                if way != RIDGE:
                    differences.append((*place, *(_difference(row, name) for name in FIGURES)))
    after = f"Difference from the {RIDGE}, paired. **Bold**: its interval lies above 0. *Harm*: below the limit."
    return f"{table((*head, *_TITLES), figures)}\n\n{after}\n\n{table((*head, *_TITLES), differences)}"


def _difference(row: Mapping[str, Any], name: str) -> str:
    figure = row[f"{name}_gain"]
    text = estimate(figure, 4 if name == "c" else 3)
    if figure["lo"] is None:
        return text
    if figure["lo"] > 0:
        return f"**{text}**"
    return f"*harm*: {text}" if figure["hi"] < _HARM.get(name, -np.inf) else text
