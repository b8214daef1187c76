"""Sends events that may be lost, such as progress, without blocking the caller."""

from queue import Empty, Full, Queue
from threading import Event as StopEvent

from shared import logs
from shared.bus.events import Event, to_record
from shared.bus.port import Producer, Record
from shared.errors import MedullaError
from shared.incidents import contained

_ROOM = 256
_LOOK_UP_S = 0.5
_log = logs.get(__name__)


class LossySender:
    """A part: `submit` returns at once; events are dropped while the queue is full or the bus is down."""

    def __init__(self, producer: Producer, source: str) -> None:
        self._producer = producer
        self._source = source
        self._queue: Queue[Record] = Queue(_ROOM)

    def submit(self, event: Event) -> None:
        """Queue an event with the current trace; safe from any thread."""
        try:
            with contained(self._source, Full):
                self._queue.put_nowait(to_record(event, self._source))
        except Full:
            _log.debug("dropped", kind=type(event).__name__)

    def run(self, stop: StopEvent) -> None:
        """Send queued events until `stop` is set."""
        while not stop.is_set():
            try:
                self._send(self._queue.get(timeout=_LOOK_UP_S))
            except Empty:
                continue

    def _send(self, record: Record) -> None:
        try:
            with contained(self._source, MedullaError):
                self._producer.send([record])
        except MedullaError as error:
            _log.warning("dropped", topic=record.topic, sentence=str(error))
