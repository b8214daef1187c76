"""A worker ends every record as done, tried again, or given up with a reason."""

import time
from collections.abc import Iterable
from threading import Event as StopEvent

import pytest
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import CaseScored, SlideRejected, SlideTiled

from shared.bus import headers, topics
from shared.bus.dead_letters import original, read
from shared.bus.events import Event, decoder, to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from shared.bus.retry import RetryPolicy
from shared.errors import PermanentError, TransientError
from shared.worker import Route, Worker, subscriptions
from tests.support.bus import PATIENCE_S, Running, running
from tests.support.spans import recorded_spans


class NoTissueError(PermanentError):
    reason = "no_tissue"
    advice = "Scan it again."


def tiled(case: str = "case-1") -> SlideTiled:
    return SlideTiled(event_id=f"event-{case}", slide=Slide(case_id=case, slide_id="a"))


def scored(event: SlideTiled) -> list[Event]:
    return [CaseScored(event_id="score-1", case_id=event.slide.case_id)]


def refuse(_: SlideTiled) -> Iterable[Event]:
    raise NoTissueError("slide a shows no tissue")


def rejection(event: SlideTiled, error: PermanentError) -> Event:
    return SlideRejected(event_id="rejected-1", case_id=event.slide.case_id, reason=error.reason)


class Bench:
    """One service on a memory bus."""

    def __init__(self, route: Route[SlideTiled], policy: RetryPolicy | None = None) -> None:
        self.bus = MemoryBus()
        self.routes = [route]
        self.policy = policy

    def worker(self) -> Worker:
        consumer = self.bus.consumer("scorer", subscriptions("scorer", self.routes))
        return Worker("scorer", consumer, self.bus.producer(), self.routes, self.policy)

    def drain(self, *records: Record) -> None:
        """Send, and let the worker run until nothing is left."""
        self.bus.producer().send(records)
        deadline = time.monotonic() + PATIENCE_S
        with running(self.worker().run) as part:
            while self.bus.lag("scorer", subscriptions("scorer", self.routes)) and part.error is None:
                assert time.monotonic() < deadline
                part.stop.wait(0.01)


def route(handle: object = scored, rejected: object = rejection) -> Route[SlideTiled]:
    return Route(topics.SLIDES_TILED, decoder(SlideTiled), handle, rejected)  # type: ignore[arg-type]  # terse tests


def test_what_a_handler_returns_is_published_under_the_key_of_its_case() -> None:
    bench = Bench(route())
    bench.drain(to_record(tiled(), "tiler"))
    (record,) = bench.bus.records(topics.CASES_SCORED)
    assert record.key == "case-1"
    assert decoder(CaseScored)(record).event_id == "score-1"


def test_a_permanent_error_makes_a_dead_letter_with_the_original_bytes_and_a_rejection() -> None:
    bench, sent = Bench(route(refuse)), to_record(tiled(), "tiler")
    bench.drain(sent)
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    view = read(letter)
    assert (view.reason, view.sentence, view.advice) == ("no_tissue", "slide a shows no tissue", "Scan it again.")
    assert (view.service, view.attempts, view.value) == ("scorer", 1, sent.value)
    assert view.origin.startswith("slides.tiled/")
    assert original(letter) == sent
    (told,) = bench.bus.records(topics.SLIDES_REJECTED)
    assert decoder(SlideRejected)(told).reason == "no_tissue"


@pytest.mark.parametrize(
    "poison",
    [
        Record(topics.SLIDES_TILED, "case-1", b"not an event"),
        Record(topics.SLIDES_TILED, "case-1", b"\xff\xff", to_record(tiled(), "tiler").headers),
        Record(topics.SLIDES_TILED, "case-1", b"", to_record(tiled(), "tiler").headers),
        Record("scorer.retry", "case-1", b"a record that nobody retried"),
    ],
)
def test_poison_becomes_a_dead_letter_and_what_follows_is_handled(poison: Record) -> None:
    bench = Bench(route())
    bench.drain(poison, to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert read(letter).reason == "poison_message"
    assert read(letter).value == poison.value
    assert len(bench.bus.records(topics.CASES_SCORED)) == 1


def test_a_transient_error_is_tried_again_until_it_works() -> None:
    failures = iter([TransientError("store is down"), TransientError("store is down")])

    def sometimes(event: SlideTiled) -> list[Event]:
        for failure in failures:
            raise failure
        return scored(event)

    bench = Bench(route(sometimes), RetryPolicy(base_s=0.01))
    bench.drain(to_record(tiled(), "tiler"))
    assert [r.headers[headers.ATTEMPT] for r in bench.bus.records("scorer.retry")] == ["1", "2"]
    origins = {r.headers[headers.ORIGIN].rsplit("/", 2)[0] for r in bench.bus.records("scorer.retry")}
    assert origins == {"slides.tiled"}
    assert len(bench.bus.records(topics.CASES_SCORED)) == 1
    assert not bench.bus.records(topics.DEAD_LETTERS)


def test_retries_end_as_a_dead_letter_that_can_start_afresh() -> None:
    def never(_: SlideTiled) -> list[Event]:
        raise TransientError("store is down")

    bench, sent = Bench(route(never), RetryPolicy(base_s=0.001, max_attempts=3)), to_record(tiled(), "tiler")
    bench.drain(sent)
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert (read(letter).reason, read(letter).sentence) == ("retries_exhausted", "store is down")
    assert read(letter).attempts == 3
    assert original(letter) == sent
    assert len(bench.bus.records(topics.SLIDES_REJECTED)) == 1


def test_a_bug_stops_the_worker_and_the_record_stays() -> None:
    def bug(_: SlideTiled) -> list[Event]:
        raise KeyError("oops")

    bench = Bench(route(bug))
    bench.bus.producer().send([to_record(tiled(), "tiler")])
    assert isinstance(Running(bench.worker().run).join(), KeyError)
    assert bench.bus.lag("scorer", [topics.SLIDES_TILED]) == 1


def test_a_record_that_says_several_things_fails_one_by_one() -> None:
    def halves(_: Record) -> list[Record]:
        return [to_record(tiled(case), "tiler") for case in ("good", "bad")]

    def picky(event: SlideTiled) -> list[Event]:
        return scored(event) if event.slide.case_id == "good" else list(refuse(event))

    bench = Bench(Route(topics.SLIDES_TILED, decoder(SlideTiled), picky, split=halves))
    bench.drain(to_record(tiled("both"), "tiler"))
    assert [record.key for record in bench.bus.records(topics.CASES_SCORED)] == ["good"]
    assert [record.key for record in bench.bus.records(topics.DEAD_LETTERS)] == ["bad"]


def test_a_result_is_kept_while_the_bus_is_down_and_the_work_is_not_done_again() -> None:
    bench, calls, refusals = Bench(route()), [], [TransientError("broker is down")]

    class Moody:
        def send(self, records: Iterable[Record]) -> None:
            while refusals:
                raise refusals.pop()
            bench.bus.append(list(records))

    def counted(event: SlideTiled) -> list[Event]:
        calls.append(event)
        return scored(event)

    bench.bus.append([to_record(tiled(), "tiler")])
    consumer = bench.bus.consumer("scorer", [topics.SLIDES_TILED])
    worker = Worker("scorer", consumer, Moody(), [route(counted)])
    with running(worker.run) as part:
        while not bench.bus.records(topics.CASES_SCORED) and part.error is None:
            part.stop.wait(0.01)
    assert len(calls) == 1


def test_a_stopped_worker_returns() -> None:
    stop, bench = StopEvent(), Bench(route())
    bench.bus.append([to_record(tiled(), "tiler")])
    stop.set()
    bench.worker().run(stop)
    assert not bench.bus.records(topics.CASES_SCORED)


def test_what_a_handler_says_carries_on_the_trace_of_what_it_heard() -> None:
    sent = to_record(tiled(), "tiler")
    trace = "0af7651916cd43dd8448eb211c80319c"
    heard = Record(sent.topic, sent.key, sent.value, {**sent.headers, "traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    bench = Bench(route())
    spans = recorded_spans()
    spans.clear()
    bench.drain(heard)
    (said,) = bench.bus.records(topics.CASES_SCORED)
    assert trace in said.headers["traceparent"]
    assert [span.name for span in spans.finished()] == ["scorer slides.tiled"]
