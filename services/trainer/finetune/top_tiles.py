"""The tiles of the largest hazard, by models that have not seen their patient."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, Spots
from services.trainer.cohort.validation import validate_cohort
from services.trainer.errors import BadEmbeddingsError
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.split import guard_folds
from services.trainer.finetune.targets import Hazards
from services.trainer.slides.stage import SlideModel, fit_slides
from shared.arrays import Ints


@dataclass(frozen=True, eq=False)
class Learners:
    """Patients with slides, and the fold [n] of each; None where they are too few to judge an encoder."""

    cohort: Cohort
    fold: Ints | None


def learners(cohort: Cohort, embeddings: Embeddings, settings: Settings) -> Learners:
    """Split the patients with slides.

    Raises:
        UnusableCohortError: there are too few events.
        BadEmbeddingsError: no patient of the cohort has tiles.
    """
    with_slides = cohort.take(embeddings.has(cohort.case_ids))
    if not len(with_slides):
        raise BadEmbeddingsError(f"{embeddings.folder} holds tiles of nobody in {cohort.name}")
    cohort, _ = validate_cohort(with_slides)
    strata = Hazards(cohort.outcome).strata
    return Learners(cohort, guard_folds(cohort.case_ids, strata, settings.folds, settings.held_out, settings.seed))


def top_tiles(data: Learners, embeddings: Embeddings, settings: Settings) -> dict[str, tuple[Spots, ...]]:
    """The `settings.top` tiles of the largest hazard of every patient, by models fitted without the patient's fold.

    Raises:
        BadEmbeddingsError: a bag does not say where its tiles lie.
    """
    fold = np.zeros(len(data.cohort), np.int64) if data.fold is None else data.fold
    spots: dict[str, tuple[Spots, ...]] = {}
    for k in np.unique(fold):
        kept = fold != k if data.fold is not None else np.ones(len(fold), np.bool_)
        model, _ = fit_slides(data.cohort.take(kept), embeddings, settings.seed, gated=False)
        cases = [case for case, own in zip(data.cohort.case_ids, fold, strict=True) if own == k]
        spots |= {case: _top(model, embeddings, case, settings.top) for case in cases}
    return {case: spots[case] for case in data.cohort.case_ids}


def _top(model: SlideModel, embeddings: Embeddings, case: str, most: int) -> tuple[Spots, ...]:
    hazards = model.hazards.of_tiles(model.projection(embeddings.bag(case)))
    chosen = np.sort(np.argsort(-hazards, kind="stable")[:most])
    spots, start = [], 0
    for bag in embeddings.by_case[case]:
        inside = chosen[(chosen >= start) & (chosen < start + bag.tiles)] - start
        start += bag.tiles
        if len(inside):
            spots.append(Spots(bag.slide_id, bag.slide_digest, bag.origins()[inside]))
    return tuple(spots)
