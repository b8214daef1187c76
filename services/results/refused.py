"""Refused uploads whose keys name no case: kept only while the object exists, since a key may name a person."""

from collections.abc import Iterator
from dataclasses import dataclass

from medulla.v1.events_pb2 import SlideRejected

from services.results.ports import ResultStore
from shared.blob.port import BlobStore
from shared.errors import PermanentError

_MOST = 10_000


@dataclass(frozen=True)
class RefusedUploads:
    """Refused uploads whose keys name no case."""

    blobs: BlobStore
    results: ResultStore

    def current(self, most: int) -> list[SlideRejected]:
        """The latest refusal of each object that still exists, the latest first."""
        latest = {rejection.object_key: rejection for rejection in reversed(self.results.refused(most))}
        return [rejection for rejection in reversed(latest.values()) if self._is_present(rejection)]

    def forget_removed(self) -> None:
        """Drop the refusals of objects that were removed."""
        for refused in self._removed():
            self.results.forget_rejection(refused)

    def _removed(self) -> Iterator[SlideRejected]:
        return (rejection for rejection in self.results.refused(_MOST) if not self._is_present(rejection))

    def _is_present(self, rejection: SlideRejected) -> bool:
        """Whether the object still exists; after a move to a case's folder it is no longer refused."""
        try:
            return self.blobs.head(rejection.object_key) is not None
        except PermanentError:
            return True
