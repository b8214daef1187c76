"""Checks a cohort with its slides and vectors before anything is fitted or predicted."""

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import check_vectors, check_within
from services.trainer.cohort.slide_notes import slide_notes
from services.trainer.cohort.validation import validate_cohort
from services.trainer.cohort.vector_notes import vector_notes


def checked(cohort: Cohort, embeddings: Embeddings | None, folds: int = 1) -> tuple[Cohort, list[str]]:
    """The cohort with the horizons that its follow-up reaches, and what is odd about it in sentences.

    Raises:
        UnusableCohortError, BadEmbeddingsError: nothing can be computed from the cohort, or it has no slides.
        LeakError: two cases share a slide, its features, a vector or an identifying row.
    """
    cohort, notes = validate_cohort(cohort, folds)
    notes += [*slide_notes(cohort, embeddings), *vector_notes(cohort)]
    check_within(cohort.case_ids, embeddings)
    check_vectors(cohort)
    return cohort, notes
