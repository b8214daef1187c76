"""A worker's promises, on the bus in memory and on Kafka alike: retries survive restarts, no record blocks others."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from threading import Event as StopEvent
from threading import Thread

import pytest
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import SlideTiled
from prometheus_client import REGISTRY

from shared import turns
from shared.attempts import Attempts
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.dead_letters import original, read
from shared.bus.events import Event, decoder, to_record
from shared.bus.port import Record
from shared.bus.retry import RetryPolicy
from shared.errors import TransientError, UnfinishedError
from shared.process_marks import Process
from shared.route import Route, subscriptions
from shared.worker import Worker
from tests.support.bus import Running, as_sent, running
from tests.support.bus_kinds import BusKind, KafkaKind, MemoryKind
from tests.support.polling import PATIENCE_S, eventually

_HAND_OVER_S = 0.3
"""How long work lasts where the next member gets no partition meanwhile: the memory bus keeps one until it is done."""


@pytest.fixture(params=["memory", "kafka"])
def bus(request: pytest.FixtureRequest) -> Iterator[BusKind]:
    kind = MemoryKind() if request.param == "memory" else KafkaKind(request.getfixturevalue("kafka").bootstrap)
    yield kind
    kind.close()


class Service:
    """A service with a name and an input topic of its own; dead letters are shared with other tests."""

    def __init__(self, bus: BusKind, policy: RetryPolicy | None = None) -> None:
        self.bus, self.policy = bus, policy
        self.name = f"scorer-{uuid.uuid4().hex[:8]}"
        self.case = f"case-{self.name}"
        self.handled: list[str] = []
        self.down = StopEvent()
        self.topic = bus.topic("slides")
        bus.ensure(topics.DEAD_LETTERS, topics.retry_topic(self.name))

    def handle(self, event: SlideTiled) -> list[Event]:
        if self.down.is_set():
            raise TransientError("store is down")
        self.handled.append(event.slide.slide_id)
        return []

    def worker(self) -> Worker:
        routes = [Route(self.topic, decoder(SlideTiled), self.handle)]
        consumer = self.bus.consumer(self.name, subscriptions(self.name, routes))
        return Worker(self.name, consumer, self.bus.producer(), routes, self.policy)

    def send(self, slide: str, case: str = "") -> Record:
        event = SlideTiled(event_id=slide, slide=Slide(case_id=case or self.case, slide_id=slide))
        record = replace(to_record(event, "tiler"), topic=self.topic)
        self.bus.producer().send([record])
        return record

    def until_handled(self, worker: Running, count: int) -> None:
        eventually(lambda: len(self.handled) >= count or worker.error)
        assert worker.error is None


def letters(bus: BusKind, service: Service) -> list[Record]:
    """What a service has given up so far."""
    return [record for record in bus.records(topics.DEAD_LETTERS) if read(record).service == service.name]


def test_a_poison_message_becomes_a_dead_letter_and_delays_nothing(bus: BusKind) -> None:
    service = Service(bus)
    poison = Record(service.topic, service.case, b"\x00poison\xff", {"odd": "\udcff"})
    bus.producer().send([poison])
    service.send("after")
    with running(service.worker().run) as worker:
        service.until_handled(worker, 1)
        eventually(lambda: letters(bus, service))
    (letter,) = letters(bus, service)
    view = read(letter)
    assert (view.reason, view.value, view.attempts) == ("poison_message", b"\x00poison\xff", 1)
    assert view.origin.startswith(f"{service.topic}/")
    assert as_sent(original(letter)) == poison


def test_the_largest_poison_that_fits_a_topic_fits_the_dead_letters_too(bus: BusKind) -> None:
    service = Service(bus)
    poison = Record(service.topic, service.case, b"\xff" * 1_048_000)
    bus.producer().send([poison])
    with running(service.worker().run) as worker:
        eventually(lambda: letters(bus, service) or worker.error)
        assert worker.error is None
    (letter,) = letters(bus, service)
    assert as_sent(original(letter)) == poison


def test_a_dead_letter_that_is_replayed_is_handled_like_the_first_time(bus: BusKind) -> None:
    service = Service(bus, RetryPolicy(base_s=0.01, max_attempts=2))
    service.down.set()
    sent = service.send("a")
    with running(service.worker().run) as worker:
        eventually(lambda: letters(bus, service))
        (letter,) = letters(bus, service)
        assert (read(letter).reason, read(letter).attempts) == ("retries_exhausted", 2)
        service.down.clear()
        assert as_sent(original(letter)) == sent
        bus.producer().send([original(letter)])
        service.until_handled(worker, 1)


def test_a_retry_waits_on_the_bus_across_a_restart_and_holds_no_other_case_up(bus: BusKind) -> None:
    service = Service(bus, RetryPolicy(base_s=4))
    service.down.set()
    service.send("late")
    with running(service.worker().run):
        eventually(lambda: bus.records(topics.retry_topic(service.name)))
    service.down.clear()
    service.send("prompt")
    with running(service.worker().run) as worker:
        service.until_handled(worker, 2)
    assert service.handled == ["prompt", "late"]


def test_a_slow_slide_holds_those_behind_it_in_its_partition_up_for_one_turn(bus: BusKind) -> None:
    service, later = Service(bus), StopEvent()

    def handle(event: SlideTiled) -> list[Event]:
        if event.slide.slide_id == "slow":
            turn = turns.current()
            if turn is not None and not turn.number:
                raise UnfinishedError("the first turn is over")
            assert later.wait(PATIENCE_S)
        return service.handle(event)

    routes = [Route(service.topic, decoder(SlideTiled), handle)]
    consumer = bus.consumer(service.name, subscriptions(service.name, routes))
    for slide in ("slow", "second", "third"):
        service.send(slide)
    with running(Worker(service.name, consumer, bus.producer(), routes).run) as worker:
        service.until_handled(worker, 2)
        later.set()
        service.until_handled(worker, 3)
    assert service.handled == ["second", "third", "slow"]


def test_records_that_are_handed_over_while_at_work_are_never_given_up(bus: BusKind) -> None:
    service, store = Service(bus), MemoryStore()
    at_work = [StopEvent() for _ in range(5)]

    def member(number: int) -> Callable[[StopEvent], None]:
        def until_handed_over(event: SlideTiled) -> list[Event]:
            at_work[number].set()
            at_work[number + 1].wait(_HAND_OVER_S)
            return service.handle(event)

        routes = [Route(service.topic, decoder(SlideTiled), until_handed_over)]
        attempts = Attempts(store, Process(f"host-{number}", pid=1, token=str(number)))
        consumer = bus.consumer(service.name, subscriptions(service.name, routes))
        worker = Worker(service.name, consumer, bus.producer(), routes, attempts=attempts)

        def run(stop: StopEvent) -> None:
            beats = Thread(target=attempts.run, args=(stop,))
            beats.start()
            worker.run(stop)
            beats.join()

        return run

    slides = [f"slide-{number:02}" for number in range(24)]
    for slide in slides:
        service.send(slide, case=slide)
    with ExitStack() as last:
        for number in range(4):
            joined = ExitStack()
            joining = joined.enter_context(running(member(number)))
            service.until_handled(joining, 4 * number + 1)
            last.close()
            last.push(joined)
        service.until_handled(joining, len(slides))
        eventually(lambda: set(service.handled) == set(slides))
    assert not letters(bus, service)
    assert not list(store.list(""))
    assert not REGISTRY.get_sample_value("medulla_worker_deaths_total", {"service": service.name})
