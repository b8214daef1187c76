"""How far scoring in the background is: counted on the bus since the request that the bucket names."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import model_keys
from shared.blob.memory import MemoryStore
from shared.errors import TransientError
from shared.rescoring import (
    BackgroundStop,
    RememberedProgress,
    RescoringProgress,
    RescoringRequest,
    rescoring_progress,
)
from shared.units import Sha256

SINCE = datetime(2026, 3, 2, 10, tzinfo=UTC)
DIGEST = Sha256("ab" * 32)


def progress(store: MemoryStore, waiting: int, requested: int) -> RescoringProgress:
    return rescoring_progress(store, lambda _: (waiting, requested), lambda: SINCE + timedelta(minutes=10))


def test_rate_and_rest_follow_from_what_was_done_since_the_request() -> None:
    store = MemoryStore()
    RescoringRequest(SINCE, DIGEST).put(store)
    seen = progress(store, waiting=400, requested=1000)
    assert (seen.request, seen.done, seen.per_minute) == (RescoringRequest(SINCE, DIGEST), 600, 60)
    assert seen.remaining_s == pytest.approx(400)
    assert seen.sentence.startswith("600 of 1000 cases done since 2026-03-02T10:00:00+00:00, 60 a minute; 400 cases")


def test_what_waited_before_the_request_belongs_to_it() -> None:
    store = MemoryStore()
    RescoringRequest(SINCE).put(store)
    seen = progress(store, waiting=1100, requested=1000)
    assert (seen.requested, seen.done, seen.per_minute, seen.remaining_s) == (1100, 0, None, None)


def test_what_is_stopped_has_no_end() -> None:
    store = MemoryStore()
    RescoringRequest(SINCE).put(store)
    BackgroundStop(store).set()
    seen = progress(store, waiting=400, requested=1000)
    assert (seen.is_stopped, seen.remaining_s) == (True, None)
    assert seen.sentence == "scoring in the background is stopped: 400 cases that wait will keep the score"


@pytest.mark.parametrize("stored", [None, b"", b"{}", b"[]", b'{"since": "yesterday", "bundle": ""}'])
def test_a_request_that_is_not_understood_leaves_what_waits(stored: bytes | None) -> None:
    store = MemoryStore()
    if stored is not None:
        store.put(model_keys.RESCORING, stored)
    seen = progress(store, waiting=1, requested=0)
    assert (seen.request, seen.sentence) == (None, "1 case waits to be scored again")


def test_many_who_look_cost_one_look_at_the_bus_every_few_seconds() -> None:
    now, looks = [0.0], []

    def read() -> RescoringProgress:
        looks.append(now[0])
        return progress(MemoryStore(), waiting=len(looks), requested=9)

    remembered = RememberedProgress(read, every_s=5, clock=lambda: now[0])
    assert [remembered().waiting for _ in range(20)] == [1] * 20
    now[0] = 4.9
    assert remembered().waiting == 1
    now[0] = 5.0
    assert [remembered().waiting for _ in range(20)] == [2] * 20
    assert looks == [0.0, 5.0]


def test_a_bus_that_is_down_is_not_asked_by_each_who_looks() -> None:
    now, looks = [0.0], []

    def read() -> RescoringProgress:
        looks.append(now[0])
        if len(looks) == 1:
            raise TransientError("Kafka does not answer")
        return progress(MemoryStore(), waiting=1, requested=1)

    remembered = RememberedProgress(read, every_s=5, clock=lambda: now[0])
    for _ in range(3):
        with pytest.raises(TransientError, match="Kafka"):
            remembered()
    now[0] = 5.0
    assert remembered().waiting == 1
    assert looks == [0.0, 5.0]
