"""A sweep announces what nobody has dealt with, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from prometheus_client import REGISTRY

from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.bus import topics
from shared.bus.memory import MemoryBus
from shared.bus.port import Producer, Record
from shared.bus.s3_events import decode
from shared.errors import PoisonMessageError, TransientError
from shared.home import Home
from shared.sweep import EachObject, Every, Sweep


def stored(*keys: str) -> MemoryStore:
    store = MemoryStore()
    for key in keys:
        store.put(key, key.encode())
    return store


def sweep_of(store: MemoryStore, producer: Producer, is_pending: Callable[[BlobInfo], bool]) -> Sweep:
    return Sweep(EachObject(store, "slides/", is_pending), producer, Home("bucket"), ["slides/"])


def announced(bus: MemoryBus) -> set[str]:
    return {decode(record).key for record in bus.records(topics.S3_EVENTS)}


def test_only_unseen_objects_below_the_prefix_are_announced() -> None:
    store, bus = stored("slides/a/1 +ä.svs", "slides/a/2.svs", "clinical/a.json"), MemoryBus()
    sweep = Sweep(
        EachObject(store, "slides/", lambda info: info.key != "slides/a/2.svs"),
        bus.producer(),
        Home("bucket"),
        ["slides/"],
    )
    assert sweep() == {"slides/": 1}
    assert announced(bus) == {"slides/a/1 +ä.svs"}


def test_a_bucket_of_many_objects_is_announced_in_batches() -> None:
    store, bus = stored(*(f"slides/a/{n:04}.svs" for n in range(1_203))), MemoryBus()
    batches: list[int] = []

    class Counting:
        def send(self, records: Sequence[Record]) -> None:
            batches.append(len(records))
            bus.append(records)

    assert sweep_of(store, Counting(), lambda _: True)() == {"slides/": 1_203}
    assert batches == [500, 500, 203]
    assert len(announced(bus)) == 1_203


@pytest.mark.parametrize(("minutes", "findings"), [(-1, 0), (1, 1)])
def test_an_object_counts_as_found_if_all_that_was_announced_by_then_has_been_handled(
    minutes: int, findings: int
) -> None:
    store, bus, before = stored("slides/a/1.svs"), MemoryBus(), _findings()
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    sweep = replace(sweep_of(store, bus.producer(), lambda _: True), handled_until=lambda: until)
    assert sweep().total() == 1, "announced all the same"
    assert _findings() - before == findings


def test_what_was_handled_while_it_was_asked_is_not_announced_and_nobody_asks_where_nothing_is_pending() -> None:
    store, bus, handled = stored("slides/a/1.svs", "slides/a/2.svs"), MemoryBus(), set[str]()

    def until() -> datetime:
        handled.add("slides/a/1.svs")
        return datetime.now(UTC)

    sweep = replace(sweep_of(store, bus.producer(), lambda info: info.key not in handled), handled_until=until)
    assert sweep().total() == 1
    assert announced(bus) == {"slides/a/2.svs"}
    nothing = replace(sweep_of(store, bus.producer(), lambda _: False), handled_until=lambda: pytest.fail("asked"))
    assert nothing().total() == 0


def _findings() -> float:
    return REGISTRY.get_sample_value("medulla_sweep_findings_total", {"prefix": "slides/"}) or 0


def test_an_overwritten_object_is_announced_again() -> None:
    store, bus = stored("slides/a/1.svs"), MemoryBus()
    announced: set[tuple[str, str]] = set()

    def is_pending(info: BlobInfo) -> bool:
        return (info.key, info.etag) not in announced

    sweep = sweep_of(store, bus.producer(), is_pending)
    assert sweep().total() == 1
    announced.update((info.key, info.etag) for info in store.list("slides/"))
    assert sweep().total() == 0
    store.put("slides/a/1.svs", b"other bytes")
    assert sweep().total() == 1


def test_a_timer_acts_again_after_a_dependency_was_down_and_stops_when_told() -> None:
    stop, calls = Event(), []

    def action() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise TransientError("store is down")
        if len(calls) == 3:
            stop.set()

    Every(0.001, action).run(stop)
    assert len(calls) == 3


@pytest.mark.parametrize("error", [ValueError("Anna"), RecursionError(), PoisonMessageError("no slide")])
def test_an_object_that_cannot_be_judged_stops_no_other(error: Exception) -> None:
    store, bus = stored("slides/a/1.svs", "slides/a/2.svs", "slides/a/3.svs"), MemoryBus()

    def is_pending(info: BlobInfo) -> bool:
        if info.key == "slides/a/2.svs":
            raise error
        return True

    failed = list[str]()
    assert replace(sweep_of(store, bus.producer(), is_pending), failed=failed.append)() == {"slides/": 2}
    assert failed == ["slides/a/2.svs"]
    assert announced(bus) == {"slides/a/1.svs", "slides/a/3.svs"}


def test_an_announcement_tells_versions_apart() -> None:
    store, bus = stored("slides/a/1.svs"), MemoryBus()
    sweep = sweep_of(store, bus.producer(), lambda _: True)
    sweep()
    sweep()
    store.put("slides/a/1.svs", b"other bytes")
    sweep()
    first, again, other = bus.records(topics.S3_EVENTS)
    assert first == again != other


def test_an_unexpected_error_ends_one_call_alone() -> None:
    stop, calls = Event(), []

    def action() -> None:
        calls.append(1)
        if len(calls) == 2:
            stop.set()
        raise ValueError

    Every(0.001, action).run(stop)
    assert len(calls) == 2
