"""What is odd about the vectors of a cohort, in sentences for reports and model cards."""

from collections.abc import Iterator

from services.trainer.cohort.cohort import Cohort


def vector_notes(cohort: Cohort) -> list[str]:
    """A sentence for each block that patients lack, and for cases that only its table has."""
    return list(_notes(cohort))


def _notes(cohort: Cohort) -> Iterator[str]:
    for block in cohort.profile.vectors:
        vectors = cohort.vectors.get(block.name)
        if vectors is None:
            continue
        without = int((~vectors.known).sum())
        if without:
            yield f"{without} patients have no {block.title}; they are served by the models without {block.log_risk}"
        if vectors.unknown_cases:
            yield (f"{vectors.unknown_cases} cases with {block.title} are not in the cohort table and were left out")
