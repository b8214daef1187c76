"""The shares of classes among the tiles of a cohort's patients, as vectors of a block."""

from collections.abc import Callable, Sequence

import numpy as np

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings, Features
from services.trainer.cohort.vectors import Vectors
from shared.arrays import Floats
from shared.canonical import digest_of
from shared.model.tile_classifier import rounded_share


def cohort_shares(
    cohort: Cohort,
    embeddings: Embeddings,
    classes: Sequence[str],
    probabilities: Callable[[str, Features], Floats],
) -> Vectors:
    """Mean `probabilities` [n, classes] of the tiles [n, d] of each case, rounded as the scorer rounds them."""
    rows: list[Sequence[float | None]] = []
    for case in cohort.case_ids:
        bag = embeddings.bag(case)
        means = probabilities(case, bag).mean(axis=0) if len(bag) else None
        rows.append([None] * len(classes) if means is None else [rounded_share(mean) for mean in means])
    return Vectors(tuple(classes), np.array(rows, np.float64), digest_of([classes, cohort.case_ids, rows]))
