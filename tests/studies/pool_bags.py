"""SIMULATED cohorts whose bags are composed of a pool of real tiles: a rare or a common signal, sites, stains."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR, Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.cohort.table import read_cohort
from services.trainer.simulation.rare import BACKGROUNDS, PATTERN, rare_shares
from services.trainer.simulation.simulate import Simulated, SimulationPlan, simulate
from services.trainer.simulation.simulated_outcome import draw_outcome
from shared.arrays import Floats, Ints
from shared.model.profile import Profile
from tests.studies.bags import EXTERNAL
from tests.studies.pieces import quiet
from tests.studies.tile_pool import EXTERNAL_SCANNERS, TilePool

Signal = Literal["rare", "common"]
_OWN = 12
"""Tiles of the pool, of each kind, that one patient's tiles are drawn from."""
_TILES = {"rare": 400, "common": 48}
"""Of a patient, about as many as `simulate --slides` gives, with and without `--rare`."""
_TYPICAL, _SLOPE = -0.2, 1.4
"""Logit of the share of dense tissue, as in `simulate --slides`."""


class PoolEmbeddings(Embeddings):
    """Bags in memory."""

    kinds: Mapping[str, Ints]
    """Kind [tiles] of every tile by case."""
    _bags: Mapping[str, Features]

    def __init__(self, bags: Mapping[str, Features], kinds: Mapping[str, Ints], width: int) -> None:
        super().__init__(Path(), dict.fromkeys(bags, ()), width, "SIMULATED pool", "0" * 64)
        object.__setattr__(self, "_bags", bags)
        object.__setattr__(self, "kinds", kinds)

    def tiles(self, case_id: str) -> int:
        """See Embeddings."""
        return len(self._bags[case_id]) if case_id in self._bags else 0

    def bag(self, case_id: str, most: int | None = None) -> Features:
        """See Embeddings."""
        if case_id not in self._bags:
            return np.zeros((0, self.width), np.float32)
        return np.asarray(self._bags[case_id][self._kept(case_id, most)], np.float32)

    def tile(self, case_id: str, number: int, most: int | None = None) -> dict[str, str | int]:
        """See Embeddings; tiles of the pool lie nowhere."""
        del number, most
        return {"case_id": case_id, "slide_id": case_id}


@dataclass(frozen=True, eq=False)
class PoolCohort:
    """Patients, their bags, and what is true of them."""

    cohort: Cohort
    bags: PoolEmbeddings
    latent: Floats
    simulated: Simulated
    plan: "PoolCohortPlan"

    def outcomes(self, draws: int) -> Iterator[Cohort]:
        """The same patients and slides with so many other draws of outcomes."""
        for draw in range(draws):
            rng = np.random.default_rng([self.plan.seed, 89, draw])
            drawn = draw_outcome(self.simulated.facts, self.latent, self.plan.effect, rng)
            yield self.cohort.with_outcome(Outcome(drawn.days / DAYS_A_YEAR, drawn.code))


@dataclass(frozen=True)
class PoolCohortPlan:
    """A training cohort of five sites, or an external one of another stain."""

    seed: int
    signal: Signal
    effect: float
    patients: int
    external: bool = False

    @property
    def _simulation(self) -> SimulationPlan:
        seed, sites = (self.seed + EXTERNAL, 1) if self.external else (self.seed, 5)
        return SimulationPlan(self.patients, self.effect, sites, seed, tiles=1, width=8)

    def draw(self, pool: TilePool, work: Path, profile: Profile) -> PoolCohort:
        """Draw patients and compose their bags."""
        simulated = simulate(self._simulation, work, quiet)
        cohort, latent = read_cohort(work / "cohort.csv", profile), simulated.simulated_outcome.latent
        rng = np.random.default_rng([self.seed, 83, self.external])
        sites = np.unique(np.array(cohort.sites), return_inverse=True)[1]
        shares = rare_shares(latent, sites, rng) if self.signal == "rare" else _common_shares(latent)
        scanners = np.unique(pool.scanner[(pool.scanner >= EXTERNAL_SCANNERS) == self.external])
        of_site = rng.permutation(scanners)[: sites.max() + 1]
        bags, kinds = {}, {}
        for i in np.flatnonzero(simulated.has_slides):
            stain = int(rng.choice(np.flatnonzero(pool.scanner == of_site[sites[i]])))
            drawn = np.sort(rng.choice(PATTERN + 1, _TILES[self.signal], p=shares[i])).astype(np.int64)
            bags[cohort.case_ids[i]] = _bag(pool.features[stain], drawn, rng)
            kinds[cohort.case_ids[i]] = drawn
        embeddings = PoolEmbeddings(bags, kinds, pool.features.shape[-1])
        return PoolCohort(cohort, embeddings, latent, simulated, self)


def _common_shares(latent: Floats) -> Floats:
    """Share [n, kinds] of each kind: the densest follows the latent, both sparse ones share the rest."""
    dense = 1 / (1 + np.exp(-(_TYPICAL + _SLOPE * latent)))
    shares = np.zeros((len(latent), PATTERN + 1))
    shares[:, BACKGROUNDS - 1], shares[:, 0], shares[:, 1] = dense, (1 - dense) / 2, (1 - dense) / 2
    return shares


def _bag(stained: Features, kinds: Ints, rng: np.random.Generator) -> Features:
    """Tiles [n, d] of these kinds, from a few of a stain's [kinds, tiles, d]."""
    own = np.stack([rng.permutation(stained.shape[1])[:_OWN] for _ in range(len(stained))])
    return np.asarray(stained[kinds, own[kinds, rng.integers(own.shape[1], size=len(kinds))]])
