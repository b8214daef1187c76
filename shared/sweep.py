"""Finds the objects that no event announced, and announces them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from threading import Event

from shared import metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.port import Producer
from shared.bus.s3_events import announcement
from shared.errors import TransientError
from shared.home import Home
from shared.incidents import contained
from shared.logs import get
from shared.times import utc_now

Failed = Callable[[str], None]
_BATCH = 500
_log = get(__name__)


def ignored(_: str) -> None:
    """For sweeps whose failures are in the log and the metrics alone."""


@dataclass(frozen=True)
class EachObject:
    """Finds the pending objects below a prefix by a look at each of them; for prefixes of few objects."""

    store: BlobStore
    prefix: str
    is_pending: Callable[[BlobInfo], bool]

    def __call__(self, failed: Failed = ignored) -> Iterator[BlobInfo]:
        """The pending objects; one that cannot be checked stops no other."""
        for info in self.store.list(self.prefix):
            with contained("sweep", TransientError):
                if self.is_pending(info):
                    yield info
                continue
            failed(info.key)


@dataclass(frozen=True)
class Sweep:
    """Announces every object that is pending; announcing one twice is safe."""

    pending: Callable[[Failed], Iterable[BlobInfo]]
    """Finds them, below any of `prefixes`; gives what could not be checked to its argument."""
    producer: Producer
    home: Home
    prefixes: Sequence[str]
    failed: Failed = ignored
    """Gets the key of each object, or the case, that could not be checked."""
    handled_until: Callable[[], datetime] = utc_now
    """Pending objects that are older count as findings."""

    def __call__(self) -> Counter[str]:
        """Sweep once; how many objects were announced below each prefix.

        Raises:
            TransientError: the store or the bus is down; announcements made before stay.
        """
        announced, unannounced = (Counter(dict.fromkeys(self.prefixes, 0)) for _ in range(2))
        until, pending = self._looked()
        while batch := list(islice(pending, _BATCH)):
            self.producer.send([announcement(self.home, info.key, info.etag) for info in batch])
            announced.update(self._prefix(info) for info in batch)
            unannounced.update(self._prefix(info) for info in batch if info.last_modified < until)
        for prefix, count in announced.items():
            metrics.SWEEP_FINDINGS.labels(prefix).inc(unannounced[prefix])
            if count:
                _log.info("swept", prefix=prefix, announced=count, unannounced=unannounced[prefix])
        return announced

    def _looked(self) -> tuple[datetime, Iterator[BlobInfo]]:
        """Until when announcements have been handled, and what is pending since; not asked where nothing is pending."""
        failures: list[str] = []
        if next(iter(self.pending(failures.append)), None) is not None:
            return self.handled_until(), iter(self.pending(self.failed))
        for failure in failures:
            self.failed(failure)
        return utc_now(), iter(())

    def _prefix(self, info: BlobInfo) -> str:
        return next(filter(info.key.startswith, self.prefixes))


class Every:
    """A part: calls `action` at once and then every `seconds`; an error ends only that call."""

    def __init__(self, seconds: float, action: Callable[[], object], name: str = "") -> None:
        """`name` stands for the action in logs and metrics of its errors, in place of its own."""
        self._seconds = seconds
        self._action = action
        self._name = name or getattr(action, "__qualname__", type(action).__name__)

    def run(self, stop: Event) -> None:
        """Repeat until `stop` is set."""
        while not stop.is_set():
            try:
                with contained(self._name, TransientError):
                    self._action()
            except TransientError as error:
                _log.warning("will be tried again", sentence=str(error), seconds=self._seconds)
            stop.wait(self._seconds)
