"""All checks of a cohort before anything is fitted or asked."""

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.leaks import check_vectors, check_within
from services.trainer.cohort.slide_notes import slide_notes
from services.trainer.cohort.validation import validate_cohort
from services.trainer.cohort.vector_notes import vector_notes


def check_cohort(cohort: Cohort, embeddings: Embeddings | None, folds: int = 1) -> tuple[Cohort, list[str]]:
    """The cohort with the horizons that its follow-up reaches, and a sentence for each thing that is odd.

    Raises:
        UnusableCohortError: it does not support the analysis in `folds` folds.
        BadEmbeddingsError: no case of the cohort has a tile.
        LeakError: two cases share a slide, its features, a vector or an identifying row.
    """
    cohort, notes = validate_cohort(cohort, folds)
    notes += [*slide_notes(cohort, embeddings), *vector_notes(cohort)]
    check_within(cohort.case_ids, embeddings)
    check_vectors(cohort)
    return cohort, notes
