"""A case can be followed through the logs: every record's end is one line that names it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import CaseScored, SlideTiled

from shared.bus import s3_events, topics
from shared.bus.events import Event, decoder, to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from shared.bus.retry import RetryPolicy
from shared.bus.s3_events import ObjectHint
from shared.errors import PoisonMessageError, TransientError
from shared.home import Home
from shared.model_keys import CURRENT_BUNDLE
from shared.route import Route, subscriptions
from shared.worker import Worker
from tests.support.bus import running
from tests.support.logs import Logged, logging_as
from tests.support.polling import eventually

TILED = to_record(SlideTiled(event_id="e1", slide=Slide(case_id="case-1", slide_id="a")), "tiler")
LANDED = s3_events.announcement(Home("medulla"), "slides/case-1/a.svs")


@pytest.fixture
def logged() -> Iterator[Logged]:
    with logging_as("scorer", "INFO") as lines:
        yield lines


def work(route: Route[Any], record: Record) -> None:
    """Let a worker deal with a record."""
    bus, read = MemoryBus(), subscriptions("scorer", [route])
    bus.producer().send([record])
    worker = Worker("scorer", bus.consumer("scorer", read), bus.producer(), [route], RetryPolicy(base_s=0.001))
    with running(worker.run):
        eventually(lambda: not bus.lag("scorer", read))


def scored(event: SlideTiled) -> list[Event]:
    return [CaseScored(event_id="score-1", case_id=event.slide.case_id)]


def on_landing(handle: Callable[[ObjectHint], Iterable[Event]]) -> Route[ObjectHint]:
    return Route(topics.S3_EVENTS, s3_events.decode, handle, split=s3_events.split, context=s3_events.context)


def test_an_event_that_was_dealt_with_is_one_line(logged: Logged) -> None:
    work(Route(topics.SLIDES_TILED, decoder(SlideTiled), scored), TILED)
    (line,) = logged.lines("done")
    assert (line["service"], line["level"], line["topic"], line["events"]) == ("scorer", "info", "slides.tiled", 1)
    assert (line["event_id"], line["case_id"], line["slide_id"]) == ("e1", "case-1", "a")
    assert line["seconds"] >= 0


def test_minor_records_leave_no_line(logged: Logged) -> None:
    work(Route(topics.SLIDES_TILED, decoder(SlideTiled), scored, minor=True), TILED)
    assert not logged.lines()


def test_the_line_of_a_landed_object_names_its_case_and_slide(logged: Logged) -> None:
    work(on_landing(lambda _: []), LANDED)
    (line,) = logged.lines("done")
    assert (line["case_id"], line["slide_id"], line["events"]) == ("case-1", "a.svs", 0)


def test_lines_of_failures_of_a_landed_object_name_its_case_and_slide(logged: Logged) -> None:
    failures = iter([TransientError("the store is down"), PoisonMessageError("it is no slide")])

    def fail(_: ObjectHint) -> Iterable[Event]:
        raise next(failures)

    work(on_landing(fail), LANDED)
    assert not logged.lines("done")
    for event in ("retry later", "dead letter"):
        (line,) = logged.lines(event)
        assert (line["case_id"], line["slide_id"]) == ("case-1", "a.svs")


@pytest.mark.parametrize("key", ["plans/9f/tiles.safetensors", "attempts/case-1/tiler-9f.json"])
def test_an_object_that_services_wrote_leaves_no_line(key: str, logged: Logged) -> None:
    work(on_landing(lambda _: []), s3_events.announcement(Home("medulla"), key))
    assert not logged.lines()


def test_the_line_of_a_promoted_bundle_names_its_pointer(logged: Logged) -> None:
    work(on_landing(lambda _: []), s3_events.announcement(Home("medulla"), CURRENT_BUNDLE))
    (line,) = logged.lines("done")
    assert (line["pointer"], line["outcome"]) == (CURRENT_BUNDLE, "ok")
