"""Sweeps erased cases of which something is left: rows that were written later, or a file that could not be read."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.results.audit_chain import erasure_text
from services.results.errors import BrokenArchiveError
from services.results.ports import ResultStore
from shared import keys, logs
from shared.blob.port import BlobStore
from shared.erased import ErasedCases
from shared.units import CaseId

_log = logs.get(__name__)


@dataclass(frozen=True)
class SweepErasedResults:
    """Erases late rows, and what an erasure could not read; costs one listing and two queries."""

    blobs: BlobStore
    results: ResultStore

    def __call__(self) -> None:
        """Sweep once.

        Raises:
            TransientError: the store or the database is down.
        """
        erased = ErasedCases(self.blobs)
        for case in self._late_cases():
            try:
                self.results.erase(case, erasure_text(erased.cause(case)))
            except BrokenArchiveError as error:
                _log.error("an erased case is left in the archive", sentence=str(error), advice=error.advice)

    def _late_cases(self) -> Iterator[CaseId]:
        """The erased cases that are not gone; the marker is read again, since an erasure may be lifted meanwhile."""
        markers = {info.key for info in self.blobs.list(keys.ERASED)}
        cases = [*self.results.case_ids(), *self.results.unfinished_erasures()] if markers else []
        erased = ErasedCases(self.blobs)
        return (case for case in cases if keys.erased(case) in markers and erased.holds(case))
