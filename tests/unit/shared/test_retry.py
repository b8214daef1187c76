"""Back-off grows, never beyond its cap, and ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import headers
from shared.bus.dead_letters import attempts_of, original, read, to_dead_letter, written_at
from shared.bus.port import Delivery, Record
from shared.bus.retry import GIVE_UP_AFTER, RetryPolicy, not_before, trace_carrier
from shared.errors import PoisonMessageError, RetriesExhaustedError
from shared.tracing import span, trace_id
from tests.support.bus import as_sent
from tests.support.spans import recorded_spans

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
sent = st.builds(
    Record,
    st.just("slides.tiled"),
    texts,
    st.binary(max_size=20),
    st.dictionaries(texts.filter(lambda name: not name.startswith("medulla-")), texts, max_size=3),
)


@given(attempt=st.integers(1, 10_000))
def test_a_delay_is_half_to_all_of_the_doubled_base_below_the_cap(attempt: int) -> None:
    policy = RetryPolicy(base_s=1, cap_s=300)
    longest = min(300, 2.0 ** min(attempt - 1, 20))
    assert longest / 2 <= policy.delay_s(attempt) <= longest


def test_what_waits_for_a_dependency_is_given_up_after_about_a_day() -> None:
    policy = RetryPolicy()
    longest = [min(policy.cap_s, policy.base_s * 2.0 ** (attempt - 1)) for attempt in range(1, policy.max_attempts)]
    assert sum(longest) / 2 > 16 * 3600
    assert sum(longest) < 36 * 3600


@given(record=sent, policy=st.builds(RetryPolicy, max_attempts=st.integers(1, 8)))
def test_a_record_is_tried_as_often_as_the_policy_says_and_can_start_afresh(
    record: Record, policy: RetryPolicy
) -> None:
    delivery = Delivery(record, 1, 7)
    for attempt in range(1, policy.max_attempts):
        again = policy.again(delivery, "embedder", now=1_000.0)
        assert again is not None
        assert again.topic == "embedder.retry"
        assert attempts_of(again) == attempt
        assert not_before(again, 1_000.0) > 1_000
        assert again.headers[headers.ORIGIN] == "slides.tiled/1/7"
        delivery = Delivery(again, 2, attempt)
    assert policy.again(delivery, "embedder", now=1_000.0) is None
    letter = to_dead_letter(delivery, RetriesExhaustedError("store is down"), "embedder")
    assert read(letter).attempts == policy.max_attempts
    assert read(letter).origin == "slides.tiled/1/7"
    assert as_sent(original(letter)) == record


@pytest.mark.parametrize("text", ["", "-1", "many", "9" * 5_000, "\N{ARABIC-INDIC DIGIT ONE}"])
def test_a_malformed_number_of_attempts_counts_as_none(text: str) -> None:
    assert attempts_of(Record("t", "k", b"", {headers.ATTEMPT: text})) == 0


def test_a_dead_letter_that_does_not_say_where_it_came_from_cannot_be_replayed() -> None:
    with pytest.raises(PoisonMessageError):
        original(Record("dead.letters", "k", b""))
    assert read(Record("dead.letters", "k", b"x")).reason == ""


@pytest.mark.parametrize("text", ["inf", "nan", "-inf", "1e999", "-1e300", "soon", "1e300", "9000"])
def test_a_malformed_time_or_one_too_far_ahead_holds_no_partition_up(text: str) -> None:
    assert not_before(Record("t", "k", b"", {headers.NOT_BEFORE: text}), now=5_000.0) == 0


@pytest.mark.parametrize(
    ("text", "seconds"), [("4.5", 4.5), ("1e300", 9.0), ("nan", 9.0), ("-1e300", 9.0), ("soon", 9.0)]
)
def test_a_dead_letter_of_an_impossible_time_was_written_when_the_bus_took_it(text: str, seconds: float) -> None:
    letter = Record("dead.letters", "k", b"", {headers.WRITTEN: text})
    assert written_at(Delivery(letter, 0, 0, 9.0)) == seconds


@given(attempts=st.lists(st.booleans(), max_size=19))
def test_attempts_without_an_answer_are_counted_apart_from_waits_for_a_dependency(attempts: list[bool]) -> None:
    policy, record, faults = RetryPolicy(), Record("t", "k", b""), 0
    for fault in attempts:
        again = policy.again(Delivery(record, 0, 0), "tiler", now=0.0, fault=fault)
        faults += fault
        assert (again is None) == (faults == GIVE_UP_AFTER)
        if again is None:
            return
        record = again


def test_every_attempt_belongs_to_the_trace_of_the_first() -> None:
    recorded_spans()
    policy, record = RetryPolicy(), Record("s3.events", "", b"no trace of its own")
    traces = []
    for _ in range(2):
        with span("attempt", trace_carrier(record)):
            traces.append(trace_id())
            again = policy.again(Delivery(record, 0, 0, 0.0), "tiler", 0.0)
        assert again is not None
        record = again
    assert traces[0] == traces[1] == trace_carrier(record)["traceparent"].split("-")[1]
    letter = to_dead_letter(Delivery(record, 0, 0, 0.0), PoisonMessageError("no event"), "tiler")
    assert traces[0] not in str(letter.headers)
