"""SIMULATED study of rare and common signals on a pool of real tiles: gains, and whether evidence names the pattern."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.block_models import fit_blocks
from services.trainer.cohort.add_vectors import add_vectors
from services.trainer.profile import load_profile
from services.trainer.simulation.rare import PATTERN
from services.trainer.slides.stage import SlideModel
from services.trainer.tile_classifier.composition import compose
from services.trainer.tile_classifier.fit import fit_classifier
from services.trainer.tile_classifier.labels import LabelledTiles, TileSize
from shared.arrays import Flags
from tests.studies.bags import correlation, gains_over
from tests.studies.composition import BLOCK, composition_profile, fused
from tests.studies.pieces import quiet
from tests.studies.pool_bags import PoolCohort, PoolCohortPlan, Signal
from tests.studies.pool_evidence import prototype_figures, top_tile_ratio
from tests.studies.rare_pattern import OTHER
from tests.studies.rare_pattern import PATTERN as LABEL
from tests.studies.tile_pool import PoolPlan, TilePool

_DRAWS = 4
"""Of outcomes of the external patients."""
_LABELLED, _LABELS = 20, 10
"""Patients with labels, and labelled tiles of each, at most 40 % of the pattern."""


Way = Literal["hazards", "labels"]
"""Hazards of tiles read slides without labels; a classifier learns from about 200 labels."""


@dataclass(frozen=True)
class RarePlan:
    """Train on five sites, ask about one of another stain."""

    seed: int
    signal: Signal
    effect: float
    patients: int
    way: Way = "hazards"
    external: int = 400
    pool: PoolPlan = field(default_factory=PoolPlan)

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-rare"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        pool = TilePool.read(work.parent / "SIMULATED-tile-pool.safetensors", self.pool)
        profile = composition_profile() if self.way == "labels" else load_profile()
        inside = PoolCohortPlan(self.seed, self.signal, self.effect, self.patients)
        outside = replace(inside, patients=self.external, external=True)
        train, test = inside.draw(pool, work / "inside", profile), outside.draw(pool, work / "outside", profile)
        if self.way == "labels":
            return self._with_labels(train, test, work)
        return _by_hazards(train, test)

    def _with_labels(self, train: PoolCohort, test: PoolCohort, work: Path) -> dict[str, Any]:
        classifier = fit_classifier(_labelled(train, self.seed), train.bags, self.seed, quiet)
        cohorts = []
        for name, each in (("inside", train), ("outside", test)):
            table = work / f"{name}.csv"
            compose(classifier, each.bags, quiet).write_table(table)
            cohorts.append(replace(each, cohort=add_vectors(each.cohort, {BLOCK: table})))
        models, patients = fit_blocks(cohorts[0].cohort, None, 1)
        return _measured(cohorts[0], cohorts[1], patients, models.patients(cohorts[1].cohort, None, 1), BLOCK)


def _by_hazards(train: PoolCohort, test: PoolCohort) -> dict[str, Any]:
    models, patients = fit_blocks(train.cohort, train.bags, 1, gated=False)
    new = models.patients(test.cohort, test.bags, 1)
    slides = train.cohort.profile.slides
    measured = _measured(train, test, patients, new, slides.name if slides else "")
    shows = _shows_pattern(test)
    return measured | _evidence(models.slides, test, shows) if models.slides and shows else measured


def _evidence(model: SlideModel, test: PoolCohort, shows: Mapping[str, Flags]) -> dict[str, Any]:
    bags, hazards = model.tiles(test.bags, list(shows)), model.hazards
    members = [hazards.columns.members(bag) for bag in bags]
    figures = prototype_figures(hazards.of_tiles(hazards.columns.centres[0]), members, list(shows.values()))
    return {"top_tiles": top_tile_ratio([hazards.of_tiles(bag) for bag in bags], list(shows.values())), **figures}


def _shows_pattern(test: PoolCohort) -> dict[str, Flags]:
    """By case with tiles, which of them show the pattern; empty with a common signal."""
    if test.plan.signal == "common":
        return {}
    return {case: kinds == PATTERN for case, kinds in test.bags.kinds.items()}


def _measured(train: PoolCohort, test: PoolCohort, patients: Patients, new: Patients, block: str) -> dict[str, Any]:
    """Gains over the table of the block and of an oracle that knows the latent instead, by draw of outcomes."""
    table = fused(patients, new, train.cohort.profile.record_blocks)
    predictions = {"fused": fused(patients, new), "oracle": fused(_oracle(train, block), _oracle(test, block))}
    log_risk = new.views[block].log_risk
    has_tiles = ~np.isnan(log_risk)
    facts = {
        "patients": len(train.cohort),
        "events": int(train.cohort.outcome.is_event.sum()),
        "external": len(test.cohort),
        "latent_r": correlation(log_risk[has_tiles], test.latent[has_tiles]),
    }
    tau = train.cohort.profile.horizons_years[-1]
    draws = (gains_over(table, predictions, cohort.outcome, tau) for cohort in test.outcomes(_DRAWS))
    return {"draws": [facts | draw for draw in draws]}


def _oracle(each: PoolCohort, block: str) -> Patients:
    latent = np.where(each.bags.has(each.cohort.case_ids), each.latent, np.nan)
    return Patients(each.cohort, 1, {block: BlockView(latent, latent[:, None])})


def _labelled(train: PoolCohort, seed: int) -> LabelledTiles:
    """Labels of tiles of the first patients who show the pattern: at most 40 % of it, the rest not."""
    rng = np.random.default_rng([seed, 97])
    chosen = [case for case, kinds in train.bags.kinds.items() if (kinds == PATTERN).any()][:_LABELLED]
    features, label, patients = [], [], []
    for case in chosen:
        shows = train.bags.kinds[case] == PATTERN
        pattern = rng.permutation(np.flatnonzero(shows))[: int(0.4 * _LABELS)]
        other = rng.permutation(np.flatnonzero(~shows))[: _LABELS - len(pattern)]
        features.append(train.bags.bag(case)[np.r_[pattern, other]])
        label += [1] * len(pattern) + [0] * len(other)
        patients += [case] * _LABELS
    size = TileSize(256, 128.0)
    return LabelledTiles(
        np.concatenate(features), np.array(label, np.int64), (OTHER, LABEL), tuple(patients), "0" * 64, size, ()
    )
