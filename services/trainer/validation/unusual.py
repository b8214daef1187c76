"""How many patients of a cohort a score would abstain on, or flag as unlike the training cohort."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from services.trainer.arms.arm import Patients
from services.trainer.bundle.served import ServedBundle
from services.trainer.cohort.embeddings import Embeddings
from shared.arrays import Flags, Floats
from shared.model.pattern import serving
from shared.model.reference import EmbeddingReference, Limits


class _Distances(NamedTuple):
    """Distances of n patients from the training cohort by one variable."""

    variable: str
    values: Floats
    """[n]; NaN where it is not known."""
    limits: Limits


def unusual_patients(served: ServedBundle, patients: Patients, embeddings: Embeddings | None) -> str:
    """A sentence with both counts, by the bundle's reference and the model that serves each patient."""
    manifest, count = served.bundle.manifest, len(patients)
    distances = list(_distances(served, patients, embeddings))
    by_model = serving([frozenset(arm.blocks) for arm in manifest.arms], patients.case_values)
    flagged, abstained = np.zeros(count, np.bool_), by_model < 0
    for place, arm in enumerate(manifest.arms):
        used = served.profile.inputs_of(column.variable for column in served.bundle.arms[arm.name].columns)
        for each in distances:
            if each.variable in used:
                flagged |= (by_model == place) & (each.values > each.limits.flag)
                abstained |= (by_model == place) & (each.values > each.limits.abstain)
    return _sentence(flagged, abstained, has_slides=served.bundle.reference.slides is not None and bool(embeddings))


def _sentence(flagged: Flags, abstained: Flags, *, has_slides: bool) -> str:
    slides = "; single slides, which a score compares too, are not compared here" if has_slides else ""
    return (
        f"by the bundle's reference, a score would abstain on {abstained.sum()} of {len(abstained)} patients and flag "
        f"{(flagged & ~abstained).sum()} as unlike the training cohort; the figures count these like all others{slides}"
    )


def _distances(served: ServedBundle, patients: Patients, embeddings: Embeddings | None) -> Iterator[_Distances]:
    reference, cohort = served.bundle.reference, patients.cohort
    for name, numeric in reference.numeric.items():
        yield _Distances(name, numeric.distances(patients.case_values.column(name)), numeric.limits)
    slides = served.profile.slides
    if slides and slides.name in patients.views and embeddings and reference.embedding:
        values = _of_slides(reference.embedding, patients, embeddings)
        yield _Distances(slides.log_risk, values, reference.embedding.limits)
    for block in served.profile.vectors:
        model, vectors = served.bundle.vectors.get(block.name), cohort.vectors.get(block.name)
        if model and vectors and (known := reference.vectors.get(block.name)):
            values = known.case_distances(model.standardised(vectors.of(model.columns)))
            yield _Distances(block.log_risk, values, known.limits)


def _of_slides(reference: EmbeddingReference, patients: Patients, embeddings: Embeddings) -> Floats:
    """Distances [n] by the mean embedding of all tiles of a patient."""
    distances = np.full(len(patients), np.nan)
    for place in np.flatnonzero(embeddings.has(patients.cohort.case_ids)):
        mean = embeddings.bag(patients.cohort.case_ids[place]).mean(axis=0, dtype=np.float64)
        distances[place] = reference.case_distances(mean[np.newaxis])[0]
    return distances
