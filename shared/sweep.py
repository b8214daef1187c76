"""Finds the objects that no event announced, and announces them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Event

from shared import metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.port import Producer, Record
from shared.bus.s3_events import announcement
from shared.errors import TransientError
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

    def __call__(self) -> int:
        """Sweep once; how many objects were announced.

        Raises:
            TransientError: the store or the bus is down; announcements made before stay.
        """
        records, announced = self._pending(), 0
        while batch := list(islice(records, _BATCH)):
            self.producer.send(batch)
            announced += len(batch)
        metrics.SWEEP_FINDINGS.labels(self.prefix).inc(announced)
        if announced:
            _log.info("swept", prefix=self.prefix, announced=announced)
        return announced

    def _pending(self) -> Iterator[Record]:
        return (record for info in self.store.list(self.prefix) if (record := self._record(info)) is not None)

    def _record(self, info: BlobInfo) -> Record | None:
        """The announcement of a pending object; an object that cannot be checked does not stop the sweep."""
        with contained("sweep", TransientError):
            return announcement(self.bucket, info.key, info.etag) if self.is_pending(info) else None
        self.failed(info.key)
        return None


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
