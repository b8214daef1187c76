"""SIMULATED study: whether the prototype of the largest hazard ratio shows a rare pattern, by number of prototypes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.cox import Sample, fit_cox
from services.trainer.cohort.cohort import Outcome
from services.trainer.profile import load_profile
from services.trainer.simulation.rare import PATTERN
from services.trainer.slides.prototypes import prototypes
from services.trainer.slides.stage import SlideModel, fit_slides
from services.trainer.slides.tile_columns import PROTOTYPES
from shared.arrays import Floats, Ints
from tests.studies.criteria import estimate, percent
from tests.studies.pool_bags import PoolCohort, PoolCohortPlan
from tests.studies.pool_evidence import prototype_figures
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of
from tests.studies.tile_pool import PoolPlan, TilePool

PROGRAM = "the program's 16"
_RIDGE = 0.1
"""Of the hazard ratio of a share alone, as the program has it."""
_NAMES = 5
"""How many times as often as chance a prototype that names the pattern shows it."""
_HEADER = (
    "prototypes", "ranked by", "effect", "patients", "seeds",
    "pattern in the prototype of the largest hazard, times chance", f"seeds with at least {_NAMES} times",
    "pattern in the purest prototype, %",
)  # fmt: skip


@dataclass(frozen=True)
class PrototypePlan:
    """Prototypes of training patients with a rare signal; tiles of an external site tell what each one shows."""

    seed: int
    effect: float = 1.6
    patients: int = 400
    external: int = 400
    pool: PoolPlan = field(default_factory=PoolPlan)

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-prototypes"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        pool, profile = TilePool.read(work.parent / "SIMULATED-tile-pool.safetensors", self.pool), load_profile()
        inside = PoolCohortPlan(self.seed, "rare", self.effect, self.patients)
        outside = replace(inside, patients=self.external, external=True)
        train, test = inside.draw(pool, work / "inside", profile), outside.draw(pool, work / "outside", profile)
        model, _ = fit_slides(train.cohort, train.bags, 1, gated=False)
        sizes = {f"{size}": _of_size(model, number, train, test) for number, size in enumerate(PROTOTYPES)}
        hazards = model.hazards.of_tiles(model.hazards.columns.centres[0])
        by_hazard = _figures(hazards, _members(model, 0, test), test)
        return {PROGRAM: _of_program(model, train, test), **sizes, f"{PROTOTYPES[0]}, hazard of the model": by_hazard}


def _of_program(model: SlideModel, train: PoolCohort, test: PoolCohort) -> dict[str, float]:
    """The prototypes that training puts into a bundle, ranked by the hazard ratio that it shows."""
    projection = model.projection
    served = prototypes(projection, train.cohort, train.bags, 1).served()
    nearest = [np.asarray(served.nearest(projection(test.bags.bag(case))), np.int64) for case in test.bags.kinds]
    return _figures(np.nan_to_num(served.hazard_ratios[:, 0]), nearest, test)


def _of_size(model: SlideModel, number: int, train: PoolCohort, test: PoolCohort) -> dict[str, float]:
    """Clusters of hazards of tiles, ranked as the program ranks its own."""
    count = len(model.hazards.columns.centres[number])
    shares = np.stack([np.bincount(own, minlength=count) / len(own) for own in _members(model, number, train)])
    with_tiles = np.flatnonzero(train.bags.has(train.cohort.case_ids))
    ratios = np.array([_log_ratio(share, train.cohort.outcome[with_tiles]) for share in shares.T])
    return _figures(ratios, _members(model, number, test), test)


def _log_ratio(share: Floats, outcome: Outcome) -> float:
    """Log hazard ratio of one standard deviation of a share [n], alone in a Cox model."""
    if share.std() == 0:
        return 0.0
    column = ((share - share.mean()) / share.std())[:, None]
    return float(fit_cox(Sample.of(column, outcome.time, outcome.is_event), _RIDGE)[0])


def _members(model: SlideModel, number: int, cohort: PoolCohort) -> list[Ints]:
    bags = model.tiles(cohort.bags, list(cohort.bags.kinds))
    return [model.hazards.columns.members(bag, number) for bag in bags]


def _figures(weights: Floats, members: Sequence[Ints], test: PoolCohort) -> dict[str, float]:
    return prototype_figures(weights, members, [kinds == PATTERN for kinds in test.bags.kinds.values()])


def prototypes_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """By size of the cohort, effect and set of prototypes: how often the foremost one shows the pattern."""
    scenarios = sorted({(piece["plan"]["patients"], piece["plan"]["effect"]) for piece in pieces}, reverse=True)
    return {"scenarios": [_scenario(patients, effect, pieces) for patients, effect in scenarios]}


def _scenario(patients: int, effect: float, pieces: Sequence[Piece]) -> dict[str, Any]:
    wanted = (patients, effect)
    own = [piece["value"] for piece in pieces if (piece["plan"]["patients"], piece["plan"]["effect"]) == wanted]
    sets = {name: _of_set([value[name] for value in own]) for name in own[0]}
    return {"patients": patients, "effect": effect, "sets": sets}


def _of_set(values: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    ratios = [value["prototype_ratio"] for value in values]
    names = sum(ratio >= _NAMES for ratio in ratios)
    return {"times": mean_of(ratios), "names": names, "purest": mean_of([value["purest"] for value in values])}


def prototypes_section(value: Mapping[str, Any]) -> str:
    """A row for each scenario and set of prototypes."""
    rows = [
        (
            *_described(name), f"HR {each['effect']:g}", each["patients"], shown["times"]["seeds"],
            estimate(shown["times"], 1), f"{shown['names']} of {shown['times']['seeds']}",
            estimate(percent(shown["purest"]), 0),
        )
        for each in value["scenarios"]
        for name, shown in each["sets"].items()
    ]  # fmt: skip
    return table(_HEADER, rows)


def _described(name: str) -> tuple[str, str]:
    count, _, ranked = name.partition(", ")
    return count, ranked or "hazard ratio of the share"
