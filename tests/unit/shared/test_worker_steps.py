"""What a worker counts and traces of a record, for each way that its work can end."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from medulla.v1.events_pb2 import CaseScored, SlideTiled
from opentelemetry.trace import StatusCode
from prometheus_client import REGISTRY

from shared.attempts import Attempts
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.bus import topics
from shared.bus.events import Event, to_record
from shared.bus.port import LARGEST_BYTES, Record
from shared.errors import MedullaError, TransientError, UnfinishedError
from tests.support.spans import RecordedSpans, recorded_spans
from tests.support.worker_bench import QUICK, Bench, NoTissueError, refuse, route, scored, tiled

_RETRY_TOPIC = topics.retry_topic("scorer")


class Counts:
    """Increases of the worker's counters since the start of a test."""

    def __init__(self) -> None:
        self._before = self._samples()

    def increases(self) -> dict[str, float]:
        """By name and labels, the service left out; those that did not increase are absent."""
        now = self._samples()
        increases = {name: value - self._before.get(name, 0) for name, value in now.items()}
        return {name: value for name, value in increases.items() if value}

    @staticmethod
    def _samples() -> dict[str, float]:
        names = {"medulla_events_total", "medulla_retries_total", "medulla_dead_letters_total"}
        counted = {*names, "medulla_event_seconds_count", "medulla_event_age_seconds_count"}
        samples = [sample for metric in REGISTRY.collect() for sample in metric.samples if sample.name in counted]
        own = [sample for sample in samples if sample.labels["service"] == "scorer"]
        return {" ".join([each.name, *list(each.labels.values())[1:]]): each.value for each in own}


@pytest.fixture
def spans() -> Iterator[RecordedSpans]:
    recorded = recorded_spans()
    recorded.clear()
    yield recorded
    recorded.clear()


def failing_first(error: MedullaError) -> Any:
    """A handler whose first call fails."""
    errors = [error]

    def handle(event: SlideTiled) -> list[Event]:
        if errors:
            raise errors.pop()
        return scored(event)

    return handle


def test_a_record_that_is_done_is_counted_timed_and_traced(spans: RecordedSpans) -> None:
    counts = Counts()
    Bench(route()).drain(to_record(tiled(), "tiler"))
    assert counts.increases() == {
        "medulla_events_total slides.tiled ok": 1,
        "medulla_event_seconds_count slides.tiled": 1,
        "medulla_event_age_seconds_count slides.tiled": 1,
    }
    (span,) = spans.finished()
    assert span.status.status_code is StatusCode.UNSET
    assert span.attributes is not None
    assert span.attributes["medulla.case_id"] == "case-1"


def test_a_retried_record_is_counted_under_its_first_topic_and_its_span_is_marked(spans: RecordedSpans) -> None:
    counts = Counts()
    Bench(route(failing_first(TransientError("store is down"))), QUICK).drain(to_record(tiled(), "tiler"))
    assert counts.increases() == {
        "medulla_events_total slides.tiled retried": 1,
        "medulla_retries_total slides.tiled": 1,
        "medulla_events_total slides.tiled ok": 1,
        "medulla_event_seconds_count slides.tiled": 2,
        "medulla_event_age_seconds_count slides.tiled": 1,
    }
    first, second = spans.finished()
    assert (first.status.status_code, first.status.description) == (StatusCode.ERROR, "TransientError")
    assert second.status.status_code is StatusCode.UNSET


def test_a_turn_that_ends_is_counted_as_unfinished_and_is_no_failure(spans: RecordedSpans) -> None:
    counts = Counts()
    Bench(route(failing_first(UnfinishedError("half is done"))), QUICK).drain(to_record(tiled(), "tiler"))
    assert counts.increases() == {
        "medulla_events_total slides.tiled unfinished": 1,
        "medulla_events_total slides.tiled ok": 1,
        "medulla_event_seconds_count slides.tiled": 2,
        "medulla_event_age_seconds_count slides.tiled": 1,
    }
    assert {span.status.status_code for span in spans.finished()} == {StatusCode.UNSET}


def test_a_rejected_record_is_counted_with_its_reason_which_its_span_carries(spans: RecordedSpans) -> None:
    counts = Counts()
    Bench(route(refuse)).drain(to_record(tiled(), "tiler"))
    assert counts.increases() == {
        "medulla_events_total slides.tiled rejected": 1,
        "medulla_dead_letters_total no_tissue": 1,
        "medulla_event_seconds_count slides.tiled": 1,
        "medulla_event_age_seconds_count slides.tiled": 1,
    }
    (span,) = spans.finished()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "NoTissueError")
    assert span.attributes is not None
    assert span.attributes["medulla.reason"] == "no_tissue"


def test_a_record_that_is_rejected_after_a_retry_is_counted_under_the_retry_topic() -> None:
    errors: list[MedullaError] = [NoTissueError("none"), TransientError("store is down")]

    def handle(_: SlideTiled) -> list[Event]:
        raise errors.pop()

    counts = Counts()
    Bench(route(handle), QUICK).drain(to_record(tiled(), "tiler"))
    assert counts.increases()[f"medulla_events_total {_RETRY_TOPIC} rejected"] == 1


def test_a_record_without_a_route_is_rejected_without_a_span_or_a_time(spans: RecordedSpans) -> None:
    counts = Counts()
    Bench(route()).drain(Record(_RETRY_TOPIC, "case-1", b"a record that nobody retried"))
    assert counts.increases() == {
        f"medulla_events_total {_RETRY_TOPIC} rejected": 1,
        "medulla_dead_letters_total poison_message": 1,
        f"medulla_event_age_seconds_count {_RETRY_TOPIC}": 1,
    }
    assert not spans.finished()


def test_the_span_of_a_record_that_cannot_be_decoded_is_marked(spans: RecordedSpans) -> None:
    Bench(route()).drain(Record(topics.SLIDES_TILED, "case-1", b"not an event"))
    (span,) = spans.finished()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "PoisonMessageError")


def test_a_result_that_is_too_large_is_counted_as_done_and_as_rejected() -> None:
    def large(_: SlideTiled) -> list[Event]:
        return [CaseScored(event_id="s", case_id="c", score_key="x" * LARGEST_BYTES)]

    counts = Counts()
    Bench(route(large)).drain(to_record(tiled(), "tiler"))
    increases = counts.increases()
    assert increases["medulla_events_total slides.tiled ok"] == 1
    assert increases["medulla_events_total slides.tiled rejected"] == 1
    assert increases["medulla_dead_letters_total internal_error"] == 1


@pytest.mark.parametrize("may_crash", [True, False])
def test_work_has_a_mark_in_the_bucket_only_where_it_may_crash(may_crash: bool) -> None:
    store = MemoryStore()
    attempts: list[BlobInfo] = []

    def handle(event: SlideTiled) -> list[Event]:
        attempts.extend(store.list(""))
        return scored(event)

    bench = Bench(replace(route(handle), may_crash=lambda _: may_crash))
    bench.attempts = Attempts(store)
    bench.drain(to_record(tiled(), "tiler"))
    assert len(attempts) == may_crash
    assert not list(store.list(""))
