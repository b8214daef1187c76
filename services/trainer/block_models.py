"""Fits the models of all blocks of slides and vectors on training patients, and asks them about new ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from services.trainer.arms.arm import Patients
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings

if TYPE_CHECKING:
    from services.trainer.slides.stage import SlideModel


@dataclass(frozen=True, eq=False)
class BlockModels:
    """What was fitted on the training patients' slides."""

    slides: "SlideModel | None" = None
    agreements: Mapping[str, float] = field(default_factory=dict)
    """By block, the correlation of its models that learned from different patients."""

    def patients(self, cohort: Cohort, embeddings: Embeddings | None, seed: int) -> Patients:
        """New patients with the log-risks of their blocks."""
        if self.slides is None or embeddings is None or cohort.profile.slides is None:
            return Patients(cohort, seed)
        scores = self.slides.scores(cohort, self.slides.tiles(embeddings, cohort.case_ids))
        return Patients(cohort, seed, {cohort.profile.slides.name: scores.view}, scores.gated)


def fit_blocks(
    cohort: Cohort, embeddings: Embeddings | None, seed: int, *, gated: bool = True
) -> tuple[BlockModels, Patients]:
    """Fit on a training cohort; the log-risks of its own patients are out of fold."""
    slides = cohort.profile.slides
    if slides is None or embeddings is None or not embeddings.has(cohort.case_ids).any():
        return BlockModels(), Patients(cohort, seed)
    from services.trainer.slides.stage import fit_slides  # noqa: PLC0415 - needs torch, which others can do without

    model, scores = fit_slides(cohort, embeddings, seed, gated=gated)
    return BlockModels(model, {slides.name: model.agreement}), Patients(
        cohort, seed, {slides.name: scores.view}, scores.gated
    )
