"""What is odd about the vectors of a cohort, in sentences for reports and model cards."""

from collections.abc import Iterator

from services.trainer.cohort.cohort import Cohort
from shared.model.block import Block
from shared.words import counted


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
            yield served_without(without, block)
        if vectors.unknown_cases:
            yield left_out(vectors.unknown_cases, block.title)


def served_without(patients: int, block: Block) -> str:
    """What happens to patients without a block; models are called by the name of its log-risk."""
    return f"{patients_have(patients)} no {block.title}; they are served by the models without {block.log_risk}"


def patients_have(patients: int) -> str:
    """Patients and the verb, as a sentence begins: `1 patient has`, `2 patients have`."""
    return f"{counted(patients, 'patient')} {'has' if patients == 1 else 'have'}"


def left_out(cases: int, title: str) -> str:
    """What happens to cases that only the files of a block have."""
    are, were = ("is", "was") if cases == 1 else ("are", "were")
    return f"{counted(cases, 'case')} with {title} {are} not in the cohort table and {were} left out"
