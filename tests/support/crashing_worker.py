"""A worker that one slide kills: `python -m tests.support.crashing_worker FOLDER TOPIC SERVICE [BOOTSTRAP]`.

It notes what it finished in FOLDER/done and what it gave up in FOLDER/given-up, and ends when nothing is left. Without
the address of a Kafka it has a bus in memory, on which everything is announced again at each start.
"""

import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Event as StopEvent

from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import SlideTiled

from shared import runtime
from shared.attempts import Attempts
from shared.blob.folder import FolderStore
from shared.bus.dead_letters import read
from shared.bus.events import Event, decoder, to_record
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.memory import MemoryBus
from shared.bus.port import Consumer, Producer, Record
from shared.bus.topics import DEAD_LETTERS
from shared.errors import PermanentError
from shared.route import Route, subscriptions
from shared.settings import KafkaSettings, PlatformSettings
from shared.worker import Worker

SLIDES, CRASHING = 20, "slide-07"
_ALONE_S = 2.0
"""A suspected slide is retried alone, so that none comes beside it."""


def records(topic: str) -> list[Record]:
    """Twenty slides of as many cases, one of which crashes the worker."""
    names = [f"slide-{number:02}" for number in range(SLIDES)]
    events = [SlideTiled(event_id=name, slide=Slide(case_id=f"of-{name}", slide_id=name)) for name in names]
    return [replace(to_record(event, "tiler"), topic=topic) for event in events]


@dataclass(frozen=True)
class Notes:
    """What the worker did, in files that remain after its death."""

    folder: Path
    _crashing: StopEvent = field(default_factory=StopEvent)
    _beside: StopEvent = field(default_factory=StopEvent)

    def handle(self, event: SlideTiled) -> Sequence[Event]:
        """Finish the slide; the crashing one dies once another is at work, or alone if there is none."""
        if event.slide.slide_id == CRASHING:
            self._crashing.set()
            self._beside.wait(_ALONE_S)
            signal.raise_signal(signal.SIGKILL)
        if self._crashing.is_set():
            self._beside.set()
            StopEvent().wait()
        (self.folder / "done" / event.slide.slide_id).touch()
        return []

    def rejected(self, event: SlideTiled, error: PermanentError) -> None:
        """Note the reason."""
        (self.folder / "given-up" / f"{event.slide.slide_id}.{error.reason}").touch()

    def count(self) -> int:
        """Slides with an outcome."""
        return sum(1 for name in ("done", "given-up") for _ in (self.folder / name).iterdir())

    def run(self, stop: StopEvent) -> None:
        """A part that ends, and with it the process, when every slide has an outcome."""
        while self.count() < SLIDES and not stop.wait(0.05):
            continue


def kafka(bootstrap: str, service: str, read: Sequence[str]) -> tuple[Consumer, Producer]:
    """The real bus."""
    settings = KafkaSettings(bootstrap_servers=bootstrap, session_timeout_ms=6_000, max_poll_interval_ms=10_000)
    return KafkaConsumerAdapter(settings, service, read, concurrency=3), KafkaProducerAdapter(settings)


def main(folder: Path, topic: str, service: str, *bootstrap: str) -> int:
    """Work until every slide has an outcome."""
    notes, bus = Notes(folder), MemoryBus()
    routes = [Route(topic, decoder(SlideTiled), notes.handle, notes.rejected)]
    read_topics = subscriptions(service, routes)
    if bootstrap:
        consumer, producer = kafka(bootstrap[0], service, read_topics)
    else:
        consumer, producer = bus.consumer(service, read_topics), bus.producer()
        producer.send(records(topic))
    attempts = Attempts(FolderStore(folder / "bucket"))
    worker = Worker(service, consumer, producer, routes, attempts=attempts)
    code = runtime.run(service, PlatformSettings(), attempts, worker, notes)
    sys.stdout.write(" ".join(read(letter).reason for letter in bus.records(DEAD_LETTERS)))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
