"""Errors that nobody raised on purpose, and deaths of the process, as the fate of the record at work."""

import builtins
import time
import weakref
from dataclasses import replace
from typing import NoReturn

import pytest
from medulla.v1.events_pb2 import SlideRejected, SlideTiled

from shared import keys, turns
from shared.attempts import Attempts, Mark
from shared.blob.memory import MemoryStore
from shared.bus import headers, topics
from shared.bus.dead_letters import attempts_of, original, read, turns_of
from shared.bus.events import Event, decoder, to_record
from shared.bus.port import Delivery
from shared.bus.retried import retry_of
from shared.bus.retry import AT_WORK, GIVE_UP_AFTER, STOPPING, not_before
from shared.canonical import digest_of
from shared.errors import (
    CrashedWorkerError,
    GivenUpError,
    InternalError,
    MedullaError,
    PermanentError,
    TransientError,
    UnfinishedError,
)
from shared.home import Home
from shared.incidents import STOPS
from shared.process_marks import Process
from shared.steps.crashes import Crashes
from shared.steps.dead_letters import DeadLetters
from shared.steps.retries import Retries
from shared.steps.step import Outcome, Task
from tests.support.bus import Running
from tests.support.garbage import collector_off
from tests.support.logs import logging_as
from tests.support.worker_bench import QUICK, Bench, NoTissueError, refuse, rejection, route, scored, tiled

_WITH_ARGUMENTS = (UnicodeError, BaseExceptionGroup, *STOPS)


ERRORS = [
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, BaseException) and not issubclass(kind, _WITH_ARGUMENTS)
]


def test_whatever_handlers_raise_is_the_outcome_of_their_records() -> None:
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
    rejections = [decoder(SlideRejected)(each) for each in bench.bus.records(topics.SLIDES_REJECTED)]
    assert [rejected.reason for rejected in rejections] == ["internal_error"] * len(kinds)


@pytest.mark.parametrize("kind", [TransientError, InternalError, NoTissueError])
def test_what_a_failed_handler_held_is_freed_with_its_error(kind: type[MedullaError]) -> None:
    class Pixels:
        pass

    references: list[weakref.ref[Pixels]] = []

    def fail(_: SlideTiled) -> NoReturn:
        pixels = Pixels()
        references.append(weakref.ref(pixels))
        raise kind("the encoder is down")

    bench = Bench(route(fail), replace(QUICK, max_attempts=4))
    with collector_off():
        bench.drain(to_record(tiled(), "tiler"))
        assert [reference() for reference in references] == [None] * len(references)
    assert references


def test_a_dead_letter_of_a_bug_names_the_incident_and_not_the_value() -> None:
    def bug(_: SlideTiled) -> list[Event]:
        raise KeyError("Anna")

    bench = Bench(route(bug), QUICK)
    with logging_as("scorer", "INFO") as logged:
        bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    last = logged.lines("internal error")[-1]
    assert read(letter).sentence.endswith(f"incident {last['incident']}")
    assert last["frames"][-1].startswith("tests/unit/shared/test_worker_failures.py:")
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
def test_an_error_anywhere_in_a_route_is_the_outcome_of_its_record(broken: str) -> None:
    def bug(*_: object) -> NoReturn:
        raise RecursionError

    sound = route(refuse if broken == "rejected" else scored)
    bench = Bench(replace(sound, **{broken: bug}), QUICK)  # type: ignore[arg-type]  # terse tests
    bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert read(letter).reason == ("no_tissue" if broken == "rejected" else "internal_error")


def test_people_are_told_once_the_store_is_back() -> None:
    failures = iter([TransientError("store is down")])

    def reject(event: SlideTiled, error: PermanentError) -> Event:
        for failure in failures:
            raise failure
        return rejection(event, error)

    bench = Bench(route(refuse, reject), QUICK)
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


def test_a_record_at_work_in_another_process_comes_again_later_and_counts_no_attempt() -> None:
    def hand_over(event: SlideTiled) -> list[Event]:
        other = Attempts(store, Process("another host", 1, "run"))
        crashes = Crashes(other, DeadLetters(Retries(QUICK)))
        handed_over.append(crashes(replace(task, event=event), lambda _: pytest.fail("it works on it, too")))
        return scored(event)

    handed_over: list[Outcome] = []
    store, sent, bench = MemoryStore(), to_record(tiled(), "tiler"), Bench(route(hand_over))
    bench.attempts = Attempts(store, Process("a host", 1, "run"))
    task = Task("scorer", bench.routes[0], Delivery(sent, 0, 0))
    bench.drain(sent)
    ((later,),) = (outcome.records for outcome in handed_over)
    assert (handed_over[0].name, later.topic, attempts_of(later), turns_of(later)) == ("deferred", "scorer.retry", 0, 0)
    assert not_before(later, time.time()) > time.time()
    assert (later.key, later.value, later.headers[headers.WHY]) == (sent.key, sent.value, AT_WORK)
    assert not list(store.list(""))


def test_a_record_that_a_stopping_process_does_not_begin_says_so_and_counts_no_attempt() -> None:
    attempts, bench = Attempts(MemoryStore()), Bench(route(lambda _: pytest.fail("it works on it")))
    attempts.give_back()
    task = Task("scorer", bench.routes[0], Delivery(to_record(tiled(), "tiler"), 0, 0), tiled())
    outcome = Crashes(attempts, DeadLetters(Retries(QUICK)))(task, lambda _: pytest.fail("it works on it"))
    (later,) = outcome.records
    retry = retry_of("scorer", later, Home("bucket"))
    assert (outcome.name, attempts_of(later)) == ("deferred", 0)
    assert retry is not None
    assert retry.sentence == f"scorer: {STOPPING}"


def test_long_work_continues_in_another_turn_and_counts_no_attempt() -> None:
    numbers: list[int] = []

    def long(event: SlideTiled) -> list[Event]:
        turn = turns.current()
        assert turn is not None
        numbers.append(turn.number)
        if turn.number < 50:
            raise UnfinishedError("half of it is done")
        return scored(event)

    bench = Bench(route(long), QUICK)
    bench.drain(to_record(tiled(), "tiler"))
    assert numbers == list(range(51))
    assert [record.key for record in bench.bus.records(topics.CASES_SCORED)] == ["case-1"]
    assert not bench.bus.records(topics.DEAD_LETTERS)
    assert turns.current() is None


def test_long_work_that_fails_keeps_its_turn_and_replayed_starts_with_the_first() -> None:
    def long(_: SlideTiled) -> list[Event]:
        turn = turns.current()
        assert turn is not None
        if turn.number:
            raise RuntimeError
        raise UnfinishedError("its turn is over")

    bench = Bench(route(long), QUICK)
    bench.drain(to_record(tiled(), "tiler"))
    (letter,) = bench.bus.records(topics.DEAD_LETTERS)
    assert (read(letter).reason, read(letter).attempts) == ("internal_error", GIVE_UP_AFTER)
    assert headers.TURN not in original(letter).headers
