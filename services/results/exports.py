"""The current score of a case, ready to be exported."""

from dataclasses import dataclass

from services.results import case_state
from services.results.errors import UnknownCaseError
from services.results.queries import Queries
from shared.blob.port import BlobStore
from shared.export.exported_case import ExportedCase


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
        return ExportedCase(case_state.read_score(current.body, "the database"), current.as_of, self._read)

    def _read(self, key: str) -> bytes | None:
        return self.blobs.get(key) if self.blobs.head(key) else None
