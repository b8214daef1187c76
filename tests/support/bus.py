"""What bus tests share: a recorder of deliveries and a worker that runs beside the test."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Condition, Event, Thread

from shared.bus import headers, topics
from shared.bus.kafka_client import KafkaDownError
from shared.bus.port import Consumer, Delivery, Producer, Record
from tests.support.polling import PATIENCE_S

REJOIN_S = 3 * PATIENCE_S
"""Behind a restart of the broker a member that joins anew waits for the end of its earlier session, 45 s."""


class Recorder:
    """Records accepted deliveries in order, and lets a test wait for them."""

    def __init__(self, accepts: Callable[[Delivery], bool] = lambda _: True) -> None:
        self.deliveries: list[Delivery] = []
        self._accepts = accepts
        self._changed = Condition()

    def __call__(self, delivery: Delivery) -> None:
        if not self._accepts(delivery):
            return
        with self._changed:
            self.deliveries.append(delivery)
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[Delivery]:
        """Return once `count` deliveries were seen; fails after a while."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.deliveries) >= count, PATIENCE_S), (
                f"only {self.deliveries} of {count}"
            )
            return list(self.deliveries)


class Running:
    """A consumer or worker in a thread of its own."""

    def __init__(self, run: Callable[[Event], None]) -> None:
        self.stop = Event()
        self.error: BaseException | None = None
        self._thread = Thread(target=self._guarded, args=(run,), daemon=True)
        self._thread.start()

    def _guarded(self, run: Callable[[Event], None]) -> None:
        try:
            run(self.stop)
        except BaseException as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    def join(self) -> BaseException | None:
        """Wait for its end; returns its error, or None."""
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "still running"
        return self.error


@contextmanager
def running(run: Callable[[Event], None]) -> Iterator[Running]:
    """Run until the block ends; an error of the part fails the test unless the test took it with `join`."""
    consumer = Running(run)
    try:
        yield consumer
    finally:
        consumer.stop.set()
        consumer.join()


class KilledError(BaseException):
    """The end of a process."""


@dataclass(frozen=True)
class KilledAtLetters:
    """The producer of a process that is killed before the bus has its first dead letter."""

    producer: Producer

    def send(self, records: Sequence[Record]) -> None:
        """Send, or end the process."""
        if any(record.topic == topics.DEAD_LETTERS for record in records):
            raise KilledError
        self.producer.send(records)


def as_sent(record: Record) -> Record:
    """A replayed record without its replay header."""
    original_headers = {name: text for name, text in record.headers.items() if name != headers.REPLAYED}
    return replace(record, headers=original_headers)


def consume(consumer: Consumer, handle: Callable[[Delivery], None]) -> Callable[[Event], None]:
    """A consumer's `run` with its handler filled in."""
    return lambda stop: consumer.run(stop, handle)


def delivered(producer: Producer, record: Record) -> bool:
    """Whether a producer got a record through to Kafka."""
    try:
        producer.send([record])
    except KafkaDownError:
        return False
    return True
