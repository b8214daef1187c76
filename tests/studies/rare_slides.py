"""SIMULATED study of slides with a rare pattern, tiled and embedded as a user would: whether top tiles show it."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from services.standalone.simulated_slides import TILES
from services.trainer.block_models import fit_blocks
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.slides.stage import SlideModel
from shared.arrays import Flags, Floats
from tests.studies.bags import EXTERNAL, correlation, read_both, read_truth
from tests.studies.criteria import NOT_RUN, Criterion, estimate
from tests.studies.pieces import quiet
from tests.studies.pixels import kept_embeddings, slides_plan
from tests.studies.pool_evidence import prototype_figures, top_tile_ratio
from tests.studies.sections import table
from tests.studies.summaries import Piece, mean_of

_TIMES = 5
"""How many times as often as chance evidence shows the pattern, at least."""
_SHOWN = {"top_tiles": "the 10 tiles of the largest hazard", "prototype_ratio": "the prototype of the largest hazard"}


@dataclass(frozen=True)
class RareSlidesPlan:
    """Train on slides of five sites in draws of outcomes; slides of another site tell what the top tiles show."""

    seed: int
    effect: float = 2.5
    draws: int = 4
    patients: int = 160
    external: int = 30

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-rare-slides"

    @property
    def inside(self) -> SimulationPlan:
        """The patients of the training cohort."""
        return replace(slides_plan(self.patients, self.seed, 5, 1.0), rare=True)

    @property
    def outside(self) -> SimulationPlan:
        """The patients of the external site."""
        return replace(slides_plan(self.external, self.seed + EXTERNAL, 1, 1.5), rare=True)

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan; the figures of each draw."""
        del data
        inside, outside = (kept_embeddings(plan, work.parent) for plan in (self.inside, self.outside))
        return {"draws": [self._draw(draw, inside, outside, work / f"{draw}") for draw in range(self.draws)]}

    def _draw(self, draw: int, inside: Path, outside: Path, drawn: Path) -> dict[str, float]:
        simulate(replace(self.inside, effect=self.effect, outcome_seed=draw), drawn, quiet)
        cohort, bags = read_both(drawn, inside / "EMB")
        test, others = read_both(outside, outside / "EMB")
        models, _ = fit_blocks(cohort, bags, 1, gated=False)
        if models.slides is None or others is None:
            raise ValueError(f"no slides of {inside} or {outside} were embedded")
        has_tiles = others.has(test.case_ids)
        latent = read_truth(outside)["latent"][has_tiles]
        return _figures(models.slides, others, test.take(has_tiles).case_ids, outside, latent)


def _figures(
    model: SlideModel, bags: Embeddings, cases: Sequence[str], folder: Path, latent: Floats
) -> dict[str, float]:
    """Of external cases with tiles and `latent` [n]; where slides have no weight the tiles that come first count."""
    hazards, tiles = model.hazards, model.tiles(bags, cases)
    shows = shown_pattern(folder / TILES, bags, cases)
    members = [hazards.columns.members(bag) for bag in tiles]
    return {
        "has_weight": float(hazards.has_weight),
        "latent_r": correlation(hazards.log_risk(tiles), latent),
        "top_tiles": top_tile_ratio([hazards.of_tiles(bag) for bag in tiles], shows),
        **prototype_figures(hazards.of_tiles(hazards.columns.centres[0]), members, shows),
    }


def shown_pattern(truth: Path, bags: Embeddings, cases: Sequence[str]) -> list[Flags]:
    """Whether each tile [t] of each case is one of those that SIMULATED_tiles.csv lists as the pattern."""
    with truth.open(encoding="utf-8", newline="") as file:
        pattern = {(row["case_id"], row["x"], row["y"]) for row in csv.DictReader(file) if row["pattern"] == "1"}
    return [
        np.array([(case, str(x), str(y)) in pattern for bag in bags.by_case[case] for x, y in bag.origins().tolist()])
        for case in cases
    ]


def rare_slides_summary(pieces: Sequence[Piece]) -> dict[str, Any]:
    """Means over sets of slides, each the mean of its draws of outcomes."""
    means = [
        {name: float(np.mean([draw[name] for draw in piece["value"]["draws"]])) for name in piece["value"]["draws"][0]}
        for piece in pieces
    ]
    rows = [{"seed": piece["plan"]["seed"], **mean} for piece, mean in zip(pieces, means, strict=True)]
    plan = {name: pieces[0]["plan"][name] for name in ("effect", "draws", "patients", "external")}
    return {**plan, "rows": rows, **{name: mean_of([row[name] for row in means]) for name in means[0]}}


def rare_slides_section(value: Mapping[str, Any]) -> str:
    """A row a set of slides, and their mean."""
    header = ("seed", "draws with a weight, %", "r with the latent", *_SHOWN.values(), "purest prototype, %")
    rows: list[Sequence[object]] = [
        (row["seed"], f"{100 * row['has_weight']:.0f}", f"{row['latent_r']:.2f}", f"{row['top_tiles']:.1f}",
         f"{row['prototype_ratio']:.1f}", f"{100 * row['purest']:.0f}")
        for row in value["rows"]
    ]  # fmt: skip
    return table(header, rows)


def rare_slides_criteria(value: Mapping[str, Any] | None) -> Iterator[Criterion]:
    """As the study's page states them."""
    for name, what in _SHOWN.items():
        text = f"SIMULATED, slides with a rare pattern, tiled and embedded: {what} shows the pattern ≥ {_TIMES} times"
        text = text.replace("tiles of the largest hazard shows", "tiles of the largest hazard show")
        if value is None:
            yield Criterion(f"{text} as often as chance", NOT_RUN, None)
            continue
        measured = f"{estimate(value[name], 1)} times over {len(value['rows'])} sets of {value['draws']} draws, "
        measured += f"{value['patients']} patients, HR {value['effect']:g}"
        few = any(row[name] < _TIMES for row in value["rows"])
        why = "by the mean, not in every set" if few else ""
        yield Criterion(f"{text} as often as chance", measured, value[name]["est"] >= _TIMES, why)
