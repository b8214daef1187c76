"""Whether a way to fit is adopted: its gain over all cohorts with an effect, and its harm in the worst scenario."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.arrays import Floats
from tests.studies.criteria import estimate
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of


@dataclass(frozen=True, slots=True)
class Measure:
    """A figure of each cohort that a way may raise, or bring nearer to a target."""

    name: str
    figure: str
    least: float
    """The gain that is required of some measure, and the loss that no scenario's interval may lie beyond."""
    target: float | None = None

    def gain(self, piece: Piece, way: str, other: str) -> Floats:
        """Gain [cohorts] of one way over another."""
        after, before = (np.array(piece["value"][name][self.figure]) for name in (way, other))
        if self.target is None:
            return np.asarray(after - before, np.float64)
        return np.asarray(np.abs(before - self.target) - np.abs(after - self.target), np.float64)


C = Measure("c", "over_clinical", 0.001)
SLOPE = Measure("slope", "slope", 0.01, target=1.0)


def verdict(
    pieces: Sequence[Piece], way: str, other: str, measures: Sequence[Measure], *, required: bool = False
) -> dict[str, Any]:
    """Pooled gains over cohorts with an effect, the worst scenario, and whether the way is adopted.

    A way is adopted where one measure rises enough, with an interval that excludes 0, and no scenario is harmed in any;
    one that is `required` for another reason has to harm no scenario.
    """
    has_effect = [piece["plan"]["hazard_ratio"] > 1 for piece in pieces]
    result: dict[str, Any] = {"against": other}
    gains, harmed = False, 0
    for measure in measures:
        by_scenario = [measure.gain(piece, way, other) for piece in pieces]
        means = [mean_of(gain.tolist()) for gain in by_scenario]
        with_effect = [gain for gain, has in zip(by_scenario, has_effect, strict=True) if has]
        pooled = mean_of(np.concatenate(with_effect).tolist())
        beyond = sum(figure["hi"] < -measure.least for figure in means)
        result[measure.name], result[f"{measure.name}_harmed"] = pooled, beyond
        result[f"{measure.name}_worst"] = min(means, key=lambda figure: figure["est"])
        gains |= pooled["est"] >= measure.least and pooled["lo"] > 0
        harmed += beyond
    return result | {"adopted": (gains or required) and not harmed}


def verdicts_table(verdicts: Mapping[str, Any], measures: Mapping[str, str]) -> str:
    """One row a way; `measures` are the titles of measures by name."""
    heads = [*(f"gain in {title}" for title in measures.values()), *(f"worst {title}" for title in measures.values())]
    rows = [
        (
            way,
            figures["against"],
            *(estimate(figures[name], 4) for name in measures),
            *(estimate(figures[f"{name}_worst"], 4) for name in measures),
            sum(figures[f"{name}_harmed"] for name in measures),
            "yes" if figures["adopted"] else "no",
        )
        for way, figures in verdicts.items()
    ]
    note = "Gains are over all cohorts with an effect; worst is the scenario with the lowest mean."
    return f"{note}\n\n{table(('way', 'against', *heads, 'scenarios harmed', 'meets the rule'), rows)}"
