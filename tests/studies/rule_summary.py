"""From the pieces of the studies of the rule to their tables: figures of every way, and differences from today's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tests.studies.criteria import estimate
from tests.studies.rule_study import FIGURES
from tests.studies.rule_ways import RIDGE
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of

Ways = Mapping[str, Mapping[str, Sequence[float]]]
_TITLES = ("C", "specificity at sensitivity 0.78", "at 0.80", "at the rule's own")
_ALL, _SHOWN = "all", "clinical_molecular"
_WHOLE = (_ALL, "Cavalli")
"""Rows of which every arm is shown."""
_NOTE = (
    f"Differences are from the {RIDGE}, paired. **Bold**: the interval lies above 0. *Harm*: it lies below the limit."
)
_HARM = {"c": -0.002, "at_78": -0.01, "at_80": -0.01}
"""By figure, the limit below which the interval of a difference is a harm."""


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
    return {"scenarios": [*scenarios, {"truth": _ALL, "patients": ""} | _means({"value": joined})]}


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
    """Figures of every way with their difference from today's, then what each way harms."""
    head = ("truth", "patients", "arm", "way", *_TITLES, *(f"{title}: difference" for title in _TITLES[:3]))
    rows = [
        (
            *(scenario["truth"], scenario["patients"], arm, way),
            *(estimate(row[name]) for name in FIGURES),
            *("" if way == RIDGE else _difference(row, name) for name in _HARM),
        )
        for scenario in value["scenarios"]
        for arm, ways in scenario["arms"].items()
        for way, row in ways.items()
        if arm == _SHOWN or scenario["truth"] in _WHOLE
    ]
    return f"{_NOTE}\n\n{table(head, rows)}\n\n{_harms(value['scenarios'])}"


def _difference(row: Mapping[str, Any], name: str) -> str:
    figure = row[f"{name}_gain"]
    text = estimate(figure, 4 if name == "c" else 3)
    if figure["lo"] is None:
        return text
    return f"**{text}**" if figure["lo"] > 0 else f"*harm*: {text}" if _is_harm(row, name) else text


def _is_harm(row: Mapping[str, Any], name: str) -> bool:
    high = row[f"{name}_gain"]["hi"]
    return high is not None and bool(high < _HARM[name])


def _harms(scenarios: Sequence[Mapping[str, Any]]) -> str:
    """By way, over all scenarios and arms: how many are harmed, and the lowest difference of each figure."""
    single = [scenario for scenario in scenarios if scenario["truth"] != _ALL]
    arms = [ways for scenario in single for ways in scenario["arms"].values()]
    rows = [
        (
            way,
            f"{sum(any(_is_harm(ways[way], name) for name in _HARM) for ways in arms)} of {len(arms)}",
            *(_difference(min((ways[way] for ways in arms), key=_estimate_of(name)), name) for name in _HARM),
        )
        for way in arms[0]
        if way != RIDGE
    ]
    head = ("way", "harmed arms of single scenarios", *(f"lowest difference in {title}" for title in _TITLES[:3]))
    return table(head, rows)


def _estimate_of(name: str) -> Callable[[Mapping[str, Any]], float]:
    return lambda row: float(row[f"{name}_gain"]["est"])
