"""Fits the models of all blocks of slides and vectors on training patients, and asks them about new ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.slides.stage import SlideModel, SlideScores, fit_slides
from services.trainer.vectors.stage import BlockModel, fit_vectors
from shared.arrays import Floats
from shared.model.profile import Profile


@dataclass(frozen=True, eq=False)
class BlockModels:
    """What was fitted on the training patients' slides and vectors."""

    slides: SlideModel | None = None
    vectors: Mapping[str, BlockModel] = field(default_factory=dict)
    """By block."""

    def patients(self, cohort: Cohort, embeddings: Embeddings | None, seed: int) -> Patients:
        """New patients with the log-risks of their blocks."""
        views = {block: model.view(cohort.vectors[block]) for block, model in self.vectors.items()}
        if self.slides is None or embeddings is None:
            return _patients(cohort, seed, views, None)
        tiles = self.slides.tiles(embeddings, cohort.case_ids)
        return _patients(cohort, seed, views, self.slides.scores(cohort, tiles, _beside(views)))

    def agreements(self, profile: Profile) -> dict[str, float]:
        """By block, the correlation of its models that learned from different patients."""
        agreements = {block: model.agreement for block, model in self.vectors.items()}
        return agreements | ({profile.slides.name: self.slides.agreement} if self.slides and profile.slides else {})


def fit_blocks(
    cohort: Cohort, embeddings: Embeddings | None, seed: int, *, gated: bool = True
) -> tuple[BlockModels, Patients]:
    """Fit on a training cohort; the log-risks of its own patients are out of fold."""
    fitted = {block.name: fit_vectors(block, cohort, seed) for block in cohort.profile.vectors}
    models = {block: both[0] for block, both in fitted.items() if both}
    views = {block: both[1] for block, both in fitted.items() if both}
    if cohort.profile.slides is None or embeddings is None or not embeddings.has(cohort.case_ids).any():
        return BlockModels(vectors=models), _patients(cohort, seed, views, None)
    slides, scores = fit_slides(cohort, embeddings, seed, gated=gated, beside=_beside(views))
    return BlockModels(slides, models), _patients(cohort, seed, views, scores)


def _patients(cohort: Cohort, seed: int, vectors: Mapping[str, BlockView], slides: SlideScores | None) -> Patients:
    """Patients with a view of each block, in the order of the profile."""
    views = dict(vectors)
    if slides and cohort.profile.slides:
        views[cohort.profile.slides.name] = slides.view
    ordered = {block.name: views[block.name] for block in cohort.profile.evidence_blocks if block.name in views}
    return Patients(cohort, seed, ordered, slides.gated if slides else None)


def _beside(views: Mapping[str, BlockView]) -> Floats | None:
    """Components [n, k] of all blocks of vectors; None without such blocks."""
    return np.hstack([view.components for view in views.values()]) if views else None
