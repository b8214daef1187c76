"""What is odd about the slides of a cohort, in sentences for reports and model cards."""

from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.errors import BadEmbeddingsError
from shared.model.block import Block


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
    strangers = len(embeddings.by_case.keys() - known)
    counts = [
        (int((~has).sum()), _served_without(cohort.profile.slides)),
        (empty, "patients have slides without a single tile; they count as having no slides"),
        (strangers, "cases with slides are not in the cohort table and were left out"),
    ]
    return [f"{count} {text}" for count, text in counts if count]


def _served_without(block: Block | None) -> str:
    """What happens to patients without slides; models are called by the name of a block's log-risk."""
    title, log_risk = (block.title, block.log_risk) if block else ("slides", "slides")
    return f"patients have no {title}; they are served by the models without {log_risk}"
