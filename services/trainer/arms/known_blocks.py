"""Whether enough is known of a block to learn from it, and why not."""

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import LEAST_EVENTS
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from shared.model.block import Block
from shared.model.profile import Profile
from shared.words import counted, listed


def blocks_of_cohort(cohort: Cohort, embeddings: Embeddings | None) -> tuple[str, ...]:
    """Names of the blocks of which anything is known of anyone, in the order of the profile."""
    slides = cohort.profile.slides
    has_slides = slides is not None and embeddings is not None and bool(embeddings.has(cohort.case_ids).any())
    with_slides = {slides.name} if slides and has_slides else set[str]()
    return tuple(name for name in cohort.profile.block_names if name in with_slides or cohort.has_block(name).any())


def too_few(patients: Patients, name: str) -> str | None:
    """Why a block is known of too few patients to be learned from; None where it is not."""
    has = patients.has_block(name)
    events = int(patients.cohort.outcome.is_event[has].sum())
    if events >= LEAST_EVENTS:
        return None
    block = patients.cohort.profile.block(name)
    if block is None or block.source == "record":
        return _count(f"{name} variables", events)
    if name not in patients.views and not has.any():
        given = block.title if block.source == "slides" else f"vectors of {block.title}"
        return f"no {given} were given, and the table has no ready-made {name} column"
    return _count(evidence_text(block, "or"), events)


def evidence_text(block: Block, conjunction: str) -> str:
    """What a block of slides or vectors consists of, in words."""
    return f"{block.title} {conjunction} ready-made {block.name} columns"


def record_words(profile: Profile, conjunction: str) -> str:
    """Titles of the blocks of the record, joined."""
    return listed([profile.title_of(block) for block in profile.record_blocks], conjunction)


def capital(text: str) -> str:
    """The text with a capital first letter; the others stay, as in `ICD codes`."""
    return text[:1].upper() + text[1:]


def _count(what: str, events: int) -> str:
    return f"{what} are known of too few patients: {counted(events, 'event')} among them, {LEAST_EVENTS} are needed"
