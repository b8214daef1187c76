"""The current score of a case, ready to be exported."""

from dataclasses import dataclass
from functools import partial

from medulla.v1.scorer_pb2 import SlideEvidence

from services.results import case_state
from services.results.errors import UnknownCaseError
from services.results.queries import Queries
from shared.blob.port import BlobStore, read_if_there
from shared.export.exported_case import ExportedCase
from shared.slides.heads import dicom_heads
from shared.units import CaseId


@dataclass(frozen=True)
class Exports:
    """Reads scores as they were stored: remarks name no other case."""

    queries: Queries
    blobs: BlobStore

    def case(self, case_id: str) -> ExportedCase:
        """The current score of a case.

        Raises:
            UnknownCaseError: there is no such case, or it has no score.
        """
        current = self.queries.facts(case_id).current
        if current is None:
            raise UnknownCaseError(f"case {case_id} has no score")
        score = case_state.read_score(current.body, "the database")
        return ExportedCase(score, current.as_of, self._read, partial(self._heads, case_id))

    def _heads(self, case_id: str, slide: SlideEvidence) -> list[bytes]:
        return dicom_heads(self.blobs, CaseId(case_id), slide.slide_digest)

    def _read(self, key: str) -> bytes | None:
        return read_if_there(self.blobs, key)
