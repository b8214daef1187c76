"""A clinical record or a vector that landed: its case, its entry in the index, and what a bundle has against it."""

from dataclasses import dataclass

from services.fusion_scorer.vectors import read_vector
from shared import keys
from shared.errors import PermanentError
from shared.model.bundle import Bundle
from shared.model.errors import BadClinicalRecordError, BadVectorsError
from shared.model.record import ReadRecord
from shared.units import CaseId

PREFIXES = (keys.CLINICAL, keys.VECTORS)


@dataclass(frozen=True, slots=True)
class LandedInput:
    """An input that the scorer reads itself."""

    key: str
    case_id: CaseId
    entry: str
    """Key of its entry in the index."""
    block: str = ""
    """Of a vector; empty for a clinical record."""

    def refusal(self, data: bytes, bundle: Bundle, read_record: ReadRecord) -> PermanentError | None:
        """What a bundle has against the input's bytes; None for a block of vectors that the bundle does not know."""
        try:
            if self.block:
                read_vector(data, self.case_id, self.block, bundle)
            else:
                read_record(data, self.case_id, bundle.manifest.profile)
        except (BadClinicalRecordError, BadVectorsError) as error:
            return error
        return None


def landed_input(key: str) -> LandedInput | None:
    """The input of a key; None for slides, other objects, unfinished files and companions.

    Raises:
        BadCaseIdError: the key lies among records or vectors, but does not name a case and a block as they do.
    """
    if key.startswith(keys.CLINICAL):
        case = keys.clinical_case(key)
        return LandedInput(key, case, keys.indexed_clinical(case)) if case else None
    vector = keys.vector_key(key) if key.startswith(keys.VECTORS) else None
    if vector is None:
        return None
    return LandedInput(key, vector.case_id, keys.indexed_vector(vector.case_id, vector.block), vector.block)
