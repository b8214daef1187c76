"""Progress is told when the bus is there, and never waits for it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

from medulla.v1.events_pb2 import Progress

from shared.bus import topics
from shared.bus.lossy import LossySender
from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from shared.errors import TransientError
from shared.tracing import span, trace_id
from tests.support.polling import wait_for
from tests.support.spans import recorded_spans


def progress(done: int) -> Progress:
    return Progress(event_id=str(done), case_id="case-1", slide_id="s1", done=done, total=9)


@contextmanager
def running(sender: LossySender) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=sender.run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(10)


def test_what_is_told_arrives_in_order() -> None:
    bus = MemoryBus()
    sender = LossySender(bus.producer(), "embedder")
    with running(sender):
        for done in range(3):
            sender.submit(progress(done))
        assert wait_for(lambda: len(bus.records(topics.PROGRESS)) == 3, 10)
    assert [record.headers["ce_id"] for record in bus.records(topics.PROGRESS)] == ["0", "1", "2"]


def test_telling_never_waits_even_when_nobody_sends() -> None:
    bus = MemoryBus()
    sender = LossySender(bus.producer(), "embedder")
    for done in range(10_000):
        sender.submit(progress(done))
    with running(sender):
        assert wait_for(lambda: bool(bus.records(topics.PROGRESS)), 10)
    assert len(bus.records(topics.PROGRESS)) < 10_000


def test_a_bus_that_is_down_costs_events_and_nothing_else() -> None:
    class DownOnce:
        def __init__(self) -> None:
            self.sent: list[Record] = []
            self._down = True

        def send(self, records: Sequence[Record]) -> None:
            if self._down:
                self._down = False
                raise TransientError("the bus is down")
            self.sent += records

    producer = DownOnce()
    sender = LossySender(producer, "embedder")
    with running(sender):
        sender.submit(progress(1))
        sender.submit(progress(2))
        assert wait_for(lambda: len(producer.sent) == 1, 10)
    assert producer.sent[0].headers["ce_id"] == "2"


def test_progress_carries_the_trace_of_the_work_that_it_reports() -> None:
    recorded_spans()
    bus = MemoryBus()
    sender = LossySender(bus.producer(), "embedder")
    with span("embed"):
        trace = trace_id()
        sender.submit(progress(1))
    with running(sender):
        assert wait_for(lambda: bool(bus.records(topics.PROGRESS)), 10)
    (record,) = bus.records(topics.PROGRESS)
    assert record.headers["traceparent"].split("-")[1] == trace
