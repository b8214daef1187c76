"""Sweeps rows of erased cases that a process wrote after the erasure, and did not live to request another one."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.results.ports import ResultStore
from shared import keys
from shared.blob.port import BlobStore
from shared.erased import ErasedCases
from shared.units import CaseId


@dataclass(frozen=True)
class SweepErasedResults:
    """Erases late rows; costs one listing and one query."""

    blobs: BlobStore
    results: ResultStore

    def __call__(self) -> None:
        """Sweep once.

        Raises:
            TransientError: the store or the database is down.
        """
        for case in self._late_cases():
            self.results.erase(case)

    def _late_cases(self) -> Iterator[CaseId]:
        """The erased cases with rows; the marker is read again, since an erasure may be lifted meanwhile."""
        markers = {info.key for info in self.blobs.list(keys.ERASED)}
        cases = self.results.case_ids() if markers else []
        erased = ErasedCases(self.blobs)
        return (case for case in cases if keys.erased(case) in markers and erased.holds(case))
