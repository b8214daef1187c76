"""A worker ends every record as done, tried again, or given up with a reason."""

import builtins
import time
from collections.abc import Iterable
from dataclasses import replace
from threading import Event as StopEvent
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import CaseScored, SlideRejected, SlideTiled

from shared import keys
from shared.attempts import Attempts, Mark, Process
from shared.blob.memory import MemoryStore
from shared.bus import headers, topics
from shared.bus.dead_letters import original, read, to_dead_letter
from shared.bus.events import Event, decoder, to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import LARGEST_BYTES, Delivery, Record, size_of
from shared.bus.retry import GIVE_UP_AFTER, RetryPolicy
from shared.canonical import digest_of
from shared.errors import CrashedWorkerError, GivenUpError, InternalError, PermanentError, TransientError
from shared.incidents import STOPS
from shared.text import clean
from shared.worker import Route, Worker, subscriptions
from tests.support.bus import PATIENCE_S, Running, as_sent, running
from tests.support.logs import logging_as
from tests.support.spans import recorded_spans

QUICK = RetryPolicy(base_s=0.001)


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
        self.attempts: Attempts | None = None

    def worker(self) -> Worker:
        consumer = self.bus.consumer("scorer", subscriptions("scorer", self.routes))
        return Worker("scorer", consumer, self.bus.producer(), self.routes, self.policy, self.attempts)

    def drain(self, *records: Record) -> None:
        """Send, and let the worker run until nothing is left."""
        self.bus.producer().send(records)
        deadline = time.monotonic() + PATIENCE_S
        with running(self.worker().run) as part:
            while self.bus.lag("scorer", subscriptions("scorer", self.routes)) and part.error is None:
                assert time.monotonic() < deadline
                part.stop.wait(0.01)
        assert part.error is None


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
    assert as_sent(original(letter)) == sent
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
    assert as_sent(original(letter)) == sent
    assert len(bench.bus.records(topics.SLIDES_REJECTED)) == 1


_WITH_ARGUMENTS = (UnicodeError, BaseExceptionGroup, *STOPS)
ERRORS = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, BaseException) and not issubclass(kind, _WITH_ARGUMENTS)
]
"""Every kind of error that Python knows and makes without arguments, BaseException itself among them."""


def test_whatever_handlers_raise_is_the_fate_of_their_records() -> None:
    kinds = {f"case-{number}": kind for number, kind in enumerate(ERRORS)}

    def bug(event: SlideTiled) -> list[Event]:
        if event.slide.case_id in kinds:
            raise kinds[event.slide.case_id]
        return scored(event)

    bench = Bench(route(bug), QUICK)
    bench.drain(*(to_record(tiled(case), "tiler") for case in (*kinds, "good")))
    letters = {letter.key: letter for letter in map(read, bench.bus.records(topics.DEAD_LETTERS))}
    assert letters.keys() == kinds.keys()
    for case, kind in kinds.items():
        assert (letters[case].reason, letters[case].attempts) == ("internal_error", GIVE_UP_AFTER)
        assert f"unexpected {kind.__name__} at shared/worker.py:" in letters[case].sentence
    assert [record.key for record in bench.bus.records(topics.CASES_SCORED)] == ["good"]
    rejections = [decoder(SlideRejected)(told) for told in bench.bus.records(topics.SLIDES_REJECTED)]
    assert [rejected.reason for rejected in rejections] == ["internal_error"] * len(kinds)


def test_a_dead_letter_of_a_bug_names_the_incident_and_not_the_value() -> None:
    def bug(_: SlideTiled) -> list[Event]:
        raise KeyError("Anna")

    bench = Bench(route(bug), QUICK)
    with logging_as("scorer", "INFO") as logged:
        bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    last = logged.lines("internal error")[-1]
    assert read(letter).sentence.endswith(f"incident {last['incident']}")
    assert last["frames"][-1].startswith("tests/unit/shared/test_worker.py:")
    assert last["case_id"] == "case-1"
    assert "Anna" not in logged.text() + read(letter).sentence


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_what_ends_a_program_ends_the_worker_and_the_record_stays(stop: type[BaseException]) -> None:
    def ended(_: SlideTiled) -> list[Event]:
        raise stop

    bench = Bench(route(ended))
    bench.bus.producer().send([to_record(tiled(), "tiler")])
    assert isinstance(Running(bench.worker().run).join(), stop)
    assert bench.bus.lag("scorer", [topics.SLIDES_TILED]) == 1


@pytest.mark.parametrize("broken", ["decode", "split", "context", "rejected"])
def test_an_error_anywhere_in_a_route_is_the_fate_of_its_record(broken: str) -> None:
    def bug(*_: object) -> NoReturn:
        raise RecursionError

    sound = route(refuse if broken == "rejected" else scored)
    bench = Bench(replace(sound, **{broken: bug}), QUICK)  # type: ignore[arg-type]  # terse tests
    bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert read(letter).reason == ("no_tissue" if broken == "rejected" else "internal_error")


def test_people_are_told_once_the_store_is_back() -> None:
    failures = iter([TransientError("store is down")])

    def tell(event: SlideTiled, error: PermanentError) -> Event:
        for failure in failures:
            raise failure
        return rejection(event, error)

    bench = Bench(route(refuse, tell), QUICK)
    bench.drain(to_record(tiled(), "tiler"))
    assert len(bench.bus.records(topics.DEAD_LETTERS)) == len(bench.bus.records(topics.SLIDES_REJECTED)) == 1


@pytest.mark.parametrize("given_up", [InternalError, CrashedWorkerError])
def test_work_without_an_answer_is_tried_three_times_and_keeps_its_reason(given_up: type[GivenUpError]) -> None:
    calls = []

    def crash(event: SlideTiled) -> list[Event]:
        calls.append(event)
        raise given_up("the decoder died")

    bench = Bench(route(crash), QUICK)
    bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert (read(letter).reason, read(letter).sentence) == (given_up.reason, "the decoder died")
    assert len(calls) == GIVE_UP_AFTER


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
    for said in (read(letter).sentence, decoder(SlideRejected)(record).sentence):
        assert len(said) <= 2_000
        assert said == clean(said)
        assert said.encode().decode() == said


def test_a_dead_letter_that_would_not_fit_tells_its_reason_without_the_original() -> None:
    record = Record(topics.SLIDES_TILED, "k" * 5_000, b"x" * (LARGEST_BYTES - 6_000), {"odd": "\udcff" * 5_000})
    letter = to_dead_letter(Delivery(record, 0, 0), NoTissueError("none"), "tiler")
    assert (read(letter).reason, read(letter).value, read(letter).origin) == ("no_tissue", b"", "slides.tiled/0/0")
    assert size_of(letter) < 10_000


def test_a_record_that_three_processes_died_at_is_given_up_and_can_be_replayed() -> None:
    calls: list[SlideTiled] = []

    def handle(event: SlideTiled) -> list[Event]:
        calls.append(event)
        return scored(event)

    bench, store, sent = Bench(route(handle)), MemoryStore(), to_record(tiled(), "tiler")
    bench.attempts = Attempts(store)
    digest = digest_of([sent.topic, sent.headers[headers.CE_ID], ""])
    store.put(keys.attempt("scorer", digest, "case-1"), Mark(2, Process("a host", 1, "run"), beat=0).to_bytes())
    bench.drain(sent)
    bench.drain(sent)
    letter, again = bench.bus.records(topics.DEAD_LETTERS)
    assert read(letter).reason == read(again).reason == "crashed_worker"
    assert read(letter).sentence == "3 processes died at work on this input"
    assert len(bench.bus.records(topics.SLIDES_REJECTED)) == 2
    assert not calls
    bench.drain(original(letter))
    assert len(calls) == 1


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
