"""Finds the objects that no event announced, and announces them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Event

from shared import metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.port import Producer
from shared.bus.s3_events import announcement
from shared.errors import TransientError
from shared.handled import utc_now
from shared.incidents import contained
from shared.logs import get

_BATCH = 500
_log = get(__name__)


def ignored(_: str) -> None:
    """For sweeps whose failures are in the log and the metrics alone."""


@dataclass(frozen=True)
class Sweep:
    """Announces every object under `prefix` that is pending; announcing one twice is safe."""

    store: BlobStore
    producer: Producer
    bucket: str
    prefix: str
    is_pending: Callable[[BlobInfo], bool]
    failed: Callable[[str], None] = ignored
    """Gets the key of each object that could not be checked."""
    handled_until: Callable[[], datetime] = utc_now
    """Pending objects that are older count as findings."""

    def __call__(self) -> int:
        """Sweep once; how many objects were announced.

        Raises:
            TransientError: the store or the bus is down; announcements made before stay.
        """
        until = self.handled_until()
        pending, announced, unannounced = self._pending(), 0, 0
        while batch := list(islice(pending, _BATCH)):
            self.producer.send([announcement(self.bucket, info.key, info.etag) for info in batch])
            announced += len(batch)
            unannounced += sum(info.last_modified < until for info in batch)
        metrics.SWEEP_FINDINGS.labels(self.prefix).inc(unannounced)
        if announced:
            _log.info("swept", prefix=self.prefix, announced=announced, unannounced=unannounced)
        return announced

    def _pending(self) -> Iterator[BlobInfo]:
        return (info for info in self.store.list(self.prefix) if self._is_pending(info))

    def _is_pending(self, info: BlobInfo) -> bool:
        """Whether an object is to be announced; one that cannot be checked does not stop the sweep."""
        with contained("sweep", TransientError):
            return self.is_pending(info)
        self.failed(info.key)
        return False


class Every:
    """A part: calls `action` at once and then every `seconds`; an error ends only that call."""

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action
        self._name = getattr(action, "__qualname__", type(action).__name__)

    def run(self, stop: Event) -> None:
        """Repeat until `stop` is set."""
        while not stop.is_set():
            try:
                with contained(self._name, TransientError):
                    self._action()
            except TransientError as error:
                _log.warning("will be tried again", sentence=str(error), seconds=self._seconds)
            stop.wait(self._seconds)
