"""The most attended tiles, by attention networks fitted on the training patients only."""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, Spots
from services.trainer.cohort.validation import validate_cohort
from services.trainer.errors import BadEmbeddingsError, UnusableCohortError
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.split import held_out
from services.trainer.slides.stage import SlideModel, fit_slides
from shared.arrays import Flags


@dataclass(frozen=True, eq=False)
class Learners:
    """Patients with slides, and which of them are held out."""

    cohort: Cohort
    held: Flags


def learners(cohort: Cohort, embeddings: Embeddings, settings: Settings) -> Learners:
    """Split the patients with slides.

    Raises:
        UnusableCohortError: there are too few events, or none among those who are held out.
        BadTilesError: there are too few patients.
        BadEmbeddingsError: no patient of the cohort has tiles.
    """
    with_slides = cohort.take(embeddings.has(cohort.case_ids))
    if not len(with_slides):
        raise BadEmbeddingsError(f"{embeddings.folder} holds tiles of nobody in {cohort.name}")
    cohort, _ = validate_cohort(with_slides)
    is_event = cohort.outcome.is_event
    held = held_out(cohort.case_ids, is_event.astype(np.int64), settings.held_out, settings.seed)
    if not is_event[held].any():
        raise UnusableCohortError("no patient held out for early stopping had the event; hold out a larger share")
    return Learners(cohort, held)


def top_tiles(data: Learners, embeddings: Embeddings, settings: Settings) -> dict[str, tuple[Spots, ...]]:
    """The `settings.top` most attended tiles of every patient, by networks fitted without the held-out patients.

    Raises:
        BadEmbeddingsError: a bag does not say where its tiles lie.
    """
    model, _ = fit_slides(data.cohort.take(~data.held), embeddings, settings.seed, gated=False)
    return {case: _top(model, embeddings, case, settings.top) for case in data.cohort.case_ids}


def _top(model: SlideModel, embeddings: Embeddings, case: str, most: int) -> tuple[Spots, ...]:
    attention = model.attention.attention(model.projection(embeddings.bag(case)))
    chosen = np.sort(np.argsort(-attention, kind="stable")[:most])
    spots, start = [], 0
    for bag in embeddings.by_case[case]:
        inside = chosen[(chosen >= start) & (chosen < start + bag.tiles)] - start
        start += bag.tiles
        if len(inside):
            spots.append(Spots(bag.slide_id, bag.slide_digest, bag.origins()[inside]))
    return tuple(spots)
