"""What of a training is computed piece by piece, apart from each other: all that reads bags, and slow digests."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.block_models import BlockModels, fit_blocks
from services.trainer.bundle.nested import LeftOut
from services.trainer.bundle.reference import mean_reference
from services.trainer.bundle.slide_reference import slide_measures, slide_reference
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import trained_on
from services.trainer.engine import Engine, results_of
from services.trainer.slides.prototypes import CohortPrototypes, prototypes
from services.trainer.split_fold import split_fold
from shared.arrays import Ints
from shared.model.reference import EmbeddingReference, SlideReference
from shared.progress import Advance

Views: TypeAlias = Mapping[str, BlockView]
"""By block of slides or vectors."""
_WHOLE, _FOLD, _SLIDES, _MEANS, _SEEN = "whole", "fold", "slides", "means", "seen"


@dataclass(frozen=True, eq=False)
class WholeCohort:
    """Models of all blocks, what they say of their patients out of fold, and prototypes where there are slides."""

    models: BlockModels
    views: Views
    prototypes: CohortPrototypes | None


@dataclass(frozen=True, eq=False)
class TrainingPieces:
    """What all pieces gave."""

    whole: WholeCohort
    folds: tuple[tuple[Views, Views], ...]
    """Of each fold: the views of the patients who are not in it, and of those who are, by models of the former."""
    slides: SlideReference | None
    means: EmbeddingReference | None
    seen: Mapping[str, Sequence[str]]
    """Digests of what the bundle is trained on."""

    def left_out(self, work: "TrainingWork") -> Iterator[LeftOut]:
        """Each fold with its patients and the others."""
        for fold, (of_others, own) in zip(np.unique(work.fold_of), self.folds, strict=True):
            inside = work.fold_of == fold
            others, tested = np.flatnonzero(~inside), np.flatnonzero(inside)
            yield LeftOut(tested, work.patients(others, of_others), work.patients(tested, own))


@dataclass(frozen=True, eq=False)
class TrainingWork:
    """All that a piece needs."""

    cohort: Cohort
    embeddings: Embeddings | None
    seed: int
    fold_of: Ints
    """[n]"""
    labelled: Sequence[str] = ()
    """Digests of the cases that a classifier of tiles learned from."""

    @property
    def pieces(self) -> tuple[str, ...]:
        """Names of all pieces, the longest first."""
        folds = (f"{_FOLD}-{fold}" for fold in np.unique(self.fold_of))
        return (_SEEN, _WHOLE, *((_SLIDES, _MEANS) if self.embeddings else ()), *folds)

    def __call__(self, piece: str) -> Any:
        """Compute a piece; equal to the byte wherever that is."""
        kind, _, fold = piece.partition("-")
        if kind == _FOLD:
            return self._without(int(fold))
        if kind == _WHOLE:
            return self._whole()
        if kind == _SEEN:
            return trained_on(self.cohort, self.embeddings, self.labelled)
        return self._reference(kind)

    def patients(self, index: Ints, views: Views) -> Patients:
        """Some of the patients with their views."""
        return Patients(self.cohort.take(index), self.seed, views)

    def _without(self, fold: int) -> tuple[Views, Views]:
        tested = np.flatnonzero(self.fold_of == fold)
        training, test = split_fold(self.cohort, self.embeddings, tested, self.seed, gated=False)
        return training.views, test.views

    def _whole(self) -> WholeCohort:
        models, patients = fit_blocks(self.cohort, self.embeddings, self.seed, gated=False)
        groups = None
        if models.slides is not None and self.embeddings is not None:
            groups = prototypes(models.slides.projection, self.cohort, self.embeddings, self.seed)
        return WholeCohort(models, patients.views, groups)

    def _reference(self, kind: str) -> SlideReference | EmbeddingReference | None:
        if self.embeddings is None:
            return None
        if kind == _SLIDES:
            return slide_reference(slide_measures(self.cohort.case_ids, self.embeddings))
        cases = [case for case in self.cohort.case_ids if self.embeddings.tiles(case)]
        return mean_reference(np.stack([self.embeddings.bag(case).mean(axis=0, dtype=np.float64) for case in cases]))


def compute_pieces(work: TrainingWork, engine: Engine, advance: Advance) -> TrainingPieces:
    """Compute all pieces wherever `engine` does; `advance` counts them."""
    results = results_of(work, work.pieces, engine, advance)
    folds = tuple(results[f"{_FOLD}-{fold}"] for fold in np.unique(work.fold_of))
    return TrainingPieces(results[_WHOLE], folds, results.get(_SLIDES), results.get(_MEANS), results[_SEEN])
