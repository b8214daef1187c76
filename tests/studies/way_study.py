"""SIMULATED study: hazards of tiles beside attention networks, fitted on the same bags or slides and outcomes."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.block_models import fit_blocks
from services.trainer.cohort.cohort import DAYS_A_YEAR, Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import Simulated, SimulationPlan, simulate
from services.trainer.simulation.simulated_outcome import draw_outcome
from shared.arrays import Floats
from tests.studies.bags import EXTERNAL, gains_over
from tests.studies.composition import fused
from tests.studies.pieces import quiet
from tests.studies.pixels import embed_simulated, slides_plan
from tests.studies.tile_hazards import fit_tile_hazards

_EXTERNAL_SHIFT = 1.5
_TILES = 200
"""Of a bag, about."""


@dataclass(frozen=True)
class WayPlan:
    """One set of bags, or of slides of real pixels, under several effects; a site of another stain is asked."""

    seed: int
    slides: bool = False
    patients: int = 300
    external: int = 400
    effects: tuple[float, ...] = (1.0, 1.3, 1.6)
    trainings: int = 1
    """Draws of the training patients' outcomes, of each effect."""
    draws: int = 4
    """Of the external patients' outcomes, whom every fitted model is asked about."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-ways"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        train = self._site(work / "inside", self.patients, self.seed, 5, 1.0)
        test = self._site(work / "outside", self.external, self.seed + EXTERNAL, 1, _EXTERNAL_SHIFT)
        return {
            "by_effect": {
                f"{effect:g}": [self._fitted(train, test, effect, draw) for draw in range(self.trainings)]
                for effect in self.effects
            }
        }

    def _site(self, folder: Path, patients: int, seed: int, sites: int, shift: float) -> "SimulatedSite":
        if self.slides:
            plan, bags = slides_plan(patients, seed, sites, shift), folder / "EMB"
            embed_simulated(plan, folder)
            simulated = simulate(plan, folder / "again", quiet)
        else:
            plan, bags = SimulationPlan(patients, 1.0, sites, seed, _TILES, shift=shift), folder / "embeddings"
            simulated = simulate(plan, folder, quiet)
        cohort = read_cohort(folder / "cohort.csv", load_profile())
        return SimulatedSite(cohort, read_embeddings(bags), simulated, seed)

    def _fitted(self, train: "SimulatedSite", test: "SimulatedSite", effect: float, draw: int) -> dict[str, Any]:
        """Both ways, fitted on one draw of outcomes: processor time, correlation with the latent, gains by draw."""
        cohort = train.drawn(effect, draw)
        outcomes = [test.drawn(effect, each).outcome for each in range(self.draws)]
        numbers: dict[str, Any] = {"patients": len(cohort), "events": int(cohort.outcome.is_event.sum())}
        for name, way in WAYS.items():
            started = time.process_time()
            read = way(cohort, train.bags)
            cpu_s = round(time.process_time() - started, 2)
            numbers[name] = {"fit_cpu_s": cpu_s} | _asked(read, train, test, outcomes)
        return numbers


@dataclass(frozen=True, eq=False)
class SimulatedSite:
    """Patients, their bags, and what is true of them."""

    cohort: Cohort
    bags: Embeddings
    simulated: Simulated
    seed: int

    @property
    def latent(self) -> Floats:
        """[n], of every patient."""
        return self.simulated.simulated_outcome.latent

    def drawn(self, effect: float, draw: int) -> Cohort:
        """The same patients with a draw of outcomes of that effect."""
        drawn = draw_outcome(self.simulated.facts, self.latent, effect, np.random.default_rng([self.seed, 89, draw]))
        return self.cohort.with_outcome(Outcome(drawn.days / DAYS_A_YEAR, drawn.code))


@dataclass(frozen=True, eq=False)
class Read:
    """What a way says of its training patients out of fold, and how it reads new ones."""

    own: Patients
    asked: Callable[[Cohort, Embeddings], Patients]


def _by_networks(cohort: Cohort, bags: Embeddings) -> Read:
    models, patients = fit_blocks(cohort, bags, 1, gated=False)
    return Read(patients, lambda new, new_bags: models.patients(new, new_bags, 1))


def _by_tile_hazards(cohort: Cohort, bags: Embeddings) -> Read:
    model, log_risk = fit_tile_hazards(cohort, bags, 1)
    return Read(_of(cohort, log_risk), lambda new, new_bags: _of(new, model.log_risk(new_bags, new.case_ids)))


WAYS: Mapping[str, Callable[[Cohort, Embeddings], Read]] = {"networks": _by_networks, "hazards": _by_tile_hazards}


def _asked(read: Read, train: SimulatedSite, test: SimulatedSite, outcomes: list[Outcome]) -> dict[str, Any]:
    own, new = read.own, read.asked(test.cohort, test.bags)
    table = fused(own, new, own.cohort.profile.record_blocks)
    latents = (_latent(own.cohort, train), _latent(test.cohort, test))
    predictions = {"fused": fused(own, new), "oracle": fused(*latents)}
    log_risk = new.views[_slides(new.cohort)].log_risk
    has = ~np.isnan(log_risk)
    r = float(np.corrcoef(log_risk[has], test.latent[has])[0, 1]) if log_risk[has].std() > 0 else 0.0
    tau = own.cohort.profile.horizons_years[-1]
    draws = [gains_over(table, predictions, outcome, tau) for outcome in outcomes]
    return {"external": len(test.cohort), "latent_r": r, "draws": draws}


def _latent(cohort: Cohort, site: SimulatedSite) -> Patients:
    return _of(cohort, np.where(site.bags.has(cohort.case_ids), site.latent, np.nan))


def _of(cohort: Cohort, log_risk: Floats) -> Patients:
    return Patients(cohort, 1, {_slides(cohort): BlockView(log_risk, log_risk[:, None])})


def _slides(cohort: Cohort) -> str:
    return cohort.profile.slides.name if cohort.profile.slides else ""
