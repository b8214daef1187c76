"""SIMULATED study: a rare pattern, some labels of it, and what the composition of cases then adds to the table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.ridge_cox import ByPattern, fit_patterns, patterns_of
from services.trainer.block_models import fit_blocks
from services.trainer.cohort.add_vectors import add_vectors
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.metrics.incidence import cumulative_incidence
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.tile_classifier.classifier import TileClassifier
from services.trainer.tile_classifier.composition import compose
from services.trainer.tile_classifier.fit import fit_classifier
from services.trainer.tile_classifier.labels import labelled_tiles, read_tiles
from shared.arrays import Floats
from shared.model.block import Block
from shared.model.profile import Profile
from tests.studies.bags import EXTERNAL, gains_over, read_truth
from tests.studies.pieces import quiet
from tests.studies.rare_pattern import PATTERN, Tissues, write_bags, write_labels

BLOCK = "composition"


@dataclass(frozen=True)
class CompositionPlan:
    """A training cohort with labels of some tiles, and an external one."""

    seed: int
    effect: float
    """Hazard ratio of the latent, per SD."""
    apart: float
    """See Tissues."""
    patients: int = 300
    external: int = 600
    tiles: int = 600
    labelled_patients: int = 20
    labels: int = 10
    """Tiles that are labelled, of each of these patients."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-composition"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        inside, outside = work / "inside", work / "outside"
        simulate(SimulationPlan(self.patients, self.effect, 5, self.seed, 1), inside, quiet)
        simulate(SimulationPlan(self.external, self.effect, 1, self.seed + EXTERNAL, 1), outside, quiet)
        classifier = self._classifier(inside)
        self._bags(outside, 1, 1.5, EXTERNAL)
        train, test = (_composed(folder, classifier) for folder in (inside, outside))
        figures = classifier.manifest.figures.classes[classifier.manifest.classes.index(PATTERN)]
        measured = _gains(train, test, (read_truth(inside)["latent"], read_truth(outside)["latent"]))
        return measured | {"auc": figures.auc.est, "prevalence": classifier.manifest.prevalence[1]}

    def _bags(self, folder: Path, sites: int, shift: float, more: int = 0) -> dict[str, Any]:
        """Replace the bags of a simulated folder by those of a rare pattern; the kinds of their tiles by case."""
        names = list(read_embeddings(folder / "embeddings").by_case)
        cohort, latent = read_cohort(folder / "cohort.csv", load_profile()), read_truth(folder)["latent"]
        chosen = np.array([latent[cohort.case_ids.index(name)] for name in names])
        tissues = Tissues(self.tiles, self.apart, sites, shift)
        return write_bags(names, chosen, tissues, self.seed + more, folder / "rare")

    def _classifier(self, folder: Path) -> TileClassifier:
        kinds = self._bags(folder, 5, 1.0)
        write_labels(folder / "rare", kinds, self.labelled_patients, self.labels, folder / "tiles")
        bags = read_embeddings(folder / "rare")
        return fit_classifier(labelled_tiles(read_tiles(folder / "tiles"), bags), bags, self.seed, quiet)


def _composed(folder: Path, classifier: TileClassifier) -> Cohort:
    """A cohort with its composition as a block of vectors, read as `--vectors` does."""
    table = folder / "composition.csv"
    compose(classifier, read_embeddings(folder / "rare"), quiet).write_table(table)
    return add_vectors(read_cohort(folder / "cohort.csv", composition_profile()), {BLOCK: table})


def composition_profile() -> Profile:
    """The default profile with the composition in place of slides."""
    profile = load_profile()
    record = tuple(block for block in profile.blocks if block.source == "record")
    return profile.model_copy(update={"blocks": (*record, Block(name=BLOCK, source="vectors"))})


def _gains(train: Cohort, test: Cohort, latent: tuple[Floats, Floats]) -> dict[str, Any]:
    """Gains over the table of the composition, and of an oracle that knows the latent instead."""
    models, patients = fit_blocks(train, None, 1)
    new = models.patients(test, None, 1)
    known = [cohort.vectors[BLOCK].known for cohort in (train, test)]
    oracles = [
        Patients(cohort, 1, {BLOCK: _view(np.where(has, truth, np.nan))})
        for cohort, has, truth in zip((train, test), known, latent, strict=True)
    ]
    table = fused(patients, new, train.profile.record_blocks)
    predictions = {"fused": fused(patients, new), "oracle": fused(oracles[0], oracles[1])}
    share = test.vectors[BLOCK].of([PATTERN])[:, 0]
    return {
        "patients": len(train),
        "events": int(train.outcome.is_event.sum()),
        "external": len(test),
        "latent_r": float(np.corrcoef(share[known[1]], latent[1][known[1]])[0, 1]),
        **gains_over(table, predictions, test.outcome, train.profile.horizons_years[-1]),
    }


def _view(log_risk: Floats) -> BlockView:
    return BlockView(log_risk, log_risk[:, None])


def fused(train: Patients, test: Patients, blocks: tuple[str, ...] = ()) -> Prediction:
    """What late fusion of some blocks, by default all, says of new patients."""
    patterns = patterns_of(train, blocks or train.cohort.profile.block_names)
    models = dict(fit_patterns(train, patterns, train.inner_folds()))
    average = cumulative_incidence(train.cohort.outcome, train.grid)
    return ByPattern(models, average, constant(average, 0)).predict(test)
