"""A worker ends every record as done, tried again, or given up with a reason."""

from collections.abc import Iterable
from dataclasses import replace
from threading import Event as StopEvent

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.events_pb2 import CaseScored, SlideRejected, SlideTiled

from shared.bus import headers, topics
from shared.bus.dead_letters import original, read, to_dead_letter
from shared.bus.events import Event, decoder, to_record
from shared.bus.port import LARGEST_BYTES, Delivery, Record, size_of
from shared.bus.retry import RetryPolicy
from shared.errors import TransientError
from shared.route import Route
from shared.text import clean
from shared.worker import Worker
from tests.support.bus import KilledAtLetters, KilledError, as_sent, running
from tests.support.polling import eventually
from tests.support.spans import recorded_spans
from tests.support.worker_bench import Bench, NoTissueError, refuse, route, scored, tiled


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
    assert as_sent(original(letter)) == sent
    (rejection,) = bench.bus.records(topics.SLIDES_REJECTED)
    assert decoder(SlideRejected)(rejection).reason == "no_tissue"


def test_a_refusal_is_reported_once_the_bus_has_its_dead_letter() -> None:
    seen: list[tuple[str, int]] = []

    def reported(event: SlideRejected) -> None:
        seen.append((event.event_id, len(bench.bus.records(topics.DEAD_LETTERS))))
        if len(seen) == 1:
            raise TransientError("the store is down")

    bench = Bench(replace(route(refuse), reported=reported))
    bench.bus.append([to_record(tiled(), "tiler")])
    consumer = bench.bus.consumer("scorer", [topics.SLIDES_TILED])
    killed = Worker("scorer", consumer, KilledAtLetters(bench.bus.producer()), bench.routes)
    with running(killed.run) as worker:
        assert isinstance(worker.join(), KilledError)
    assert not seen
    bench.drain()
    assert seen == [("rejected-1", 1)] * 2


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
    assert as_sent(original(letter)) == sent
    assert len(bench.bus.records(topics.SLIDES_REJECTED)) == 1


"""Every kind of error that Python knows and makes without arguments, BaseException itself among them."""


def test_a_result_that_the_bus_will_never_take_is_a_dead_letter() -> None:
    def large(event: SlideTiled) -> list[Event]:
        return [*scored(event), CaseScored(event_id="s", case_id="c", score_key="x" * LARGEST_BYTES)]

    bench = Bench(route(large))
    bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert "bytes for topic cases.scored" in read(letter).sentence
    assert not bench.bus.records(topics.CASES_SCORED)


@given(text=st.text(st.characters(exclude_categories=()), max_size=50), times=st.integers(0, 200))
def test_whatever_a_sentence_holds_what_is_said_of_a_refusal_fits_the_bus(text: str, times: int) -> None:
    error = NoTissueError(text * times)
    event = SlideRejected(event_id="r", case_id="c", reason=error.reason, sentence=str(error))
    record = to_record(event, "tiler")
    letter = to_dead_letter(Delivery(record, 0, 0), error, "tiler")
    for published in (read(letter).sentence, decoder(SlideRejected)(record).sentence):
        assert len(published) <= 2_000
        assert published == clean(published)
        assert published.encode().decode() == published


def test_a_dead_letter_that_would_not_fit_tells_its_reason_without_the_original() -> None:
    record = Record(topics.SLIDES_TILED, "k" * 5_000, b"x" * (LARGEST_BYTES - 6_000), {"odd": "\udcff" * 5_000})
    letter = to_dead_letter(Delivery(record, 0, 0), NoTissueError("none"), "tiler")
    assert (read(letter).reason, read(letter).value, read(letter).origin) == ("no_tissue", b"", "slides.tiled/0/0")
    assert size_of(letter) < 10_000


def test_a_record_that_says_several_things_fails_one_by_one() -> None:
    def halves(_: Record) -> list[Record]:
        return [to_record(tiled(case), "tiler") for case in ("good", "bad")]

    def refusing(event: SlideTiled) -> list[Event]:
        return scored(event) if event.slide.case_id == "good" else list(refuse(event))

    bench = Bench(Route(topics.SLIDES_TILED, decoder(SlideTiled), refusing, split=halves))
    bench.drain(to_record(tiled("both"), "tiler"))
    assert [record.key for record in bench.bus.records(topics.CASES_SCORED)] == ["good"]
    assert [record.key for record in bench.bus.records(topics.DEAD_LETTERS)] == ["bad"]


def test_a_result_is_kept_while_the_bus_is_down_and_the_work_is_not_done_again() -> None:
    bench, calls, refusals = Bench(route()), [], [TransientError("broker is down")]

    class FlakyProducer:
        def send(self, records: Iterable[Record]) -> None:
            while refusals:
                raise refusals.pop()
            bench.bus.append(list(records))

    def counted(event: SlideTiled) -> list[Event]:
        calls.append(event)
        return scored(event)

    bench.bus.append([to_record(tiled(), "tiler")])
    consumer = bench.bus.consumer("scorer", [topics.SLIDES_TILED])
    worker = Worker("scorer", consumer, FlakyProducer(), [route(counted)])
    with running(worker.run) as thread:
        eventually(lambda: bench.bus.records(topics.CASES_SCORED) or thread.error is not None)
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
    received = Record(
        sent.topic, sent.key, sent.value, {**sent.headers, "traceparent": f"00-{trace}-b7ad6b7169203331-01"}
    )
    bench = Bench(route())
    spans = recorded_spans()
    spans.clear()
    bench.drain(received)
    (published,) = bench.bus.records(topics.CASES_SCORED)
    assert trace in published.headers["traceparent"]
    assert [span.name for span in spans.finished()] == ["scorer slides.tiled"]
