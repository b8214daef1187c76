"""What waits is listed by results and explained by what services try again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from medulla.v1.events_pb2 import SlideTiled

from shared.blob.memory import MemoryStore
from shared.bus import headers, s3_events
from shared.bus.events import to_record
from shared.bus.port import Delivery, Record
from shared.bus.retried import Retry, retry_of
from shared.bus.retry import DEFERRALS, RetryPolicy, deferred, next_turn
from shared.errors import TransientError
from shared.home import Home
from shared.waiting import WaitingSlide, publish, read_waiting

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def slide(slide_id: str = "A1.svs") -> WaitingSlide:
    return WaitingSlide("MB-1", slide_id, NOON, "landed", NOON, "no service has begun with it")


def retried(record: Record, why: str = "the object store does not answer") -> Record:
    again = RetryPolicy().again(Delivery(record, 0, 0, 0.0), "tiler", NOON.timestamp(), why=why)
    assert again is not None
    return again


@pytest.mark.parametrize("home", [Home("bucket"), Home("bucket", "north/")])
def test_an_object_that_is_tried_again_says_who_tries_when_and_why(home: Home) -> None:
    announced = s3_events.announcement(home, "slides/MB-1/A1.svs")
    traced = replace(announced, headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})
    retry = retry_of("tiler", retried(traced), home)
    assert retry is not None
    assert (retry.case_id, retry.slide_id, retry.trace_id) == ("MB-1", "A1.svs", TRACE)
    assert retry.sentence == "tiler, attempt 1: the object store does not answer"
    assert retry.due >= NOON


def test_an_event_that_is_tried_again_names_its_slide_and_a_turn_has_no_failure() -> None:
    event = SlideTiled(event_id="e")
    event.slide.case_id, event.slide.slide_id = "MB-1", "A1.svs"
    retry = retry_of("embedder", next_turn(Delivery(to_record(event, "tiler"), 0, 0, 0.0), "embedder"), Home("bucket"))
    assert retry is not None
    assert (retry.case_id, retry.slide_id) == ("MB-1", "A1.svs")
    assert retry.sentence == "embedder works on it in turns with other slides"


@pytest.mark.parametrize("why", sorted(DEFERRALS))
def test_a_record_whose_work_must_not_begin_now_says_why_and_repeats_no_earlier_failure(why: str) -> None:
    announced = s3_events.announcement(Home("bucket"), "slides/MB-1/A1.svs")
    waits = [deferred(Delivery(record, 0, 0, 0.0), "tiler", 0.0, why) for record in (announced, retried(announced))]
    retries = [
        retry_of("tiler", record, Home("bucket"))
        for record in (*waits, next_turn(Delivery(waits[1], 0, 1, 0.0), "tiler"))
    ]
    assert [retry.sentence for retry in retries if retry] == [
        f"tiler: {why}",
        f"tiler: {why}",
        "tiler works on it in turns with other slides",
    ]


@pytest.mark.parametrize("text", ["1e300", "-1e300", "nan"])
def test_a_retry_of_an_impossible_time_is_due_at_once(text: str) -> None:
    announced = s3_events.announcement(Home("bucket"), "slides/MB-1/A1.svs")
    retry = retry_of("tiler", replace(announced, headers={headers.NOT_BEFORE: text}), Home("bucket"))
    assert retry is not None
    assert retry.due == datetime.fromtimestamp(0, UTC)


def test_what_names_no_case_explains_nothing() -> None:
    assert retry_of("tiler", Record("tiler.retry", "", b"no event", {headers.ATTEMPT: "1"}), Home("bucket")) is None


def test_the_list_is_explained_by_the_retry_of_the_slide_or_of_its_case() -> None:
    store = MemoryStore()
    publish(store, [slide("A2.svs"), slide()], NOON)
    retries = [
        Retry("tiler", "MB-1", "A1.svs", "tiler, attempt 2: down", NOON, 2, TRACE),
        Retry("fusion_scorer", "MB-1", "", "fusion_scorer, attempt 1: no bundle", NOON, 1),
    ]
    listed = read_waiting(store, lambda: retries, "https://traces.example/{trace_id}")
    explained = {each.slide_id: (each.why, each.next_attempt, each.trace) for each in listed.slides}
    assert explained["A1.svs"] == ("tiler, attempt 2: down", NOON, f"https://traces.example/{TRACE}")
    assert explained["A2.svs"] == ("fusion_scorer, attempt 1: no bundle", NOON, "")


@pytest.mark.parametrize("retried_in", ["", "4bf92f3577b34da6a3ce929d0e0e4736"])
def test_a_slide_links_to_the_trace_of_its_retry_else_to_that_of_its_last_work(retried_in: str) -> None:
    store = MemoryStore()
    publish(store, [replace(slide(), trace=TRACE), replace(slide("A2.svs"), trace=TRACE), slide("A3.svs")], NOON)
    again = Retry("tiler", "MB-1", "A1.svs", "tiler, attempt 2: down", NOON, 2, retried_in)
    traces = [each.trace for each in read_waiting(store, lambda: [again], "https://traces.example/{trace_id}").slides]
    assert traces == [f"https://traces.example/{retried_in or TRACE}", f"https://traces.example/{TRACE}", ""]
    assert [each.trace for each in read_waiting(store, lambda: [again]).slides] == [retried_in or TRACE, TRACE, ""]


def test_without_the_bus_the_list_stays_and_says_what_is_missing() -> None:
    def retries() -> Iterator[Retry]:
        raise TransientError("Kafka does not answer")

    store = MemoryStore()
    publish(store, [replace(slide(), trace=TRACE)], NOON)
    listed = read_waiting(store, retries, "https://traces.example/{trace_id}")
    linked = replace(slide(), trace=f"https://traces.example/{TRACE}")
    assert (listed.at, list(listed.slides), listed.problem) == (NOON, [linked], "Kafka does not answer")


def test_before_results_has_looked_there_is_no_list() -> None:
    assert read_waiting(MemoryStore(), lambda: ()).at is None
