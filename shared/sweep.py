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
from shared.logs import get

_BATCH = 500
_log = get(__name__)


@dataclass(frozen=True)
class Sweep:
    """Announces every object under `prefix` that `unseen` says nobody has dealt with; announcing one twice is safe."""

    store: BlobStore
    producer: Producer
    bucket: str
    prefix: str
    unseen: Callable[[BlobInfo], bool]

    def __call__(self) -> int:
        """Sweep once; how many objects were announced.

        Raises:
            TransientError: the store or the bus is down; what was announced by then stays announced.
        """
        found, announced = self._found(), 0
        while batch := list(islice(found, _BATCH)):
            self.producer.send(batch)
            announced += len(batch)
        metrics.SWEEP_FINDINGS.labels(self.prefix).inc(announced)
        if announced:
            _log.info("swept", prefix=self.prefix, announced=announced)
        return announced

    def _found(self) -> Iterator[Record]:
        for info in self.store.list(self.prefix):
            if self.unseen(info):
                yield announcement(self.bucket, info.key)


class Every:
    """A part: calls `action` at once and then every `seconds`; a dependency that is down is met again next time."""

    def __init__(self, seconds: float, action: Callable[[], object]) -> None:
        self._seconds = seconds
        self._action = action

    def run(self, stop: Event) -> None:
        """Go on until `stop` is set."""
        while not stop.is_set():
            try:
                self._action()
            except TransientError as error:
                _log.warning("will be tried again", sentence=str(error), seconds=self._seconds)
            stop.wait(self._seconds)
