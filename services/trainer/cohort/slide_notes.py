"""What is odd about the slides of a cohort, in sentences for reports and model cards."""

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.cohort.vector_notes import left_out, patients_have, served_without
from services.trainer.errors import BadEmbeddingsError
from shared.model.block import Block

_SLIDES = Block(name="slides", source="slides")
"""Of a profile without a block of slides."""


def slide_notes(cohort: Cohort, embeddings: Embeddings | None) -> list[str]:
    """What is odd about the slides of a cohort.

    Raises:
        BadEmbeddingsError: no case of the cohort has a tile.
    """
    if embeddings is None:
        return []
    has, known = embeddings.has(cohort.case_ids), set(cohort.case_ids)
    if not has.any():
        raise BadEmbeddingsError(f"no case of the cohort has a tile in {embeddings.folder}")
    empty = sum(
        case in embeddings.by_case and not has_tiles for case, has_tiles in zip(cohort.case_ids, has, strict=True)
    )
    without, unknown = int((~has).sum()), len(embeddings.by_case.keys() - known)
    block = cohort.profile.slides or _SLIDES
    return [
        *([served_without(without, block)] if without else []),
        *([f"{patients_have(empty)} slides without a single tile; they count as having no slides"] if empty else []),
        *([left_out(unknown, "slides")] if unknown else []),
    ]
