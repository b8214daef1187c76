"""Batches are filled across callers, and every caller gets its own answer."""

import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, Event

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.common_pb2 import Slide

from services.embedder import batcher as batcher_module
from services.embedder.batcher import Batcher, Batching
from services.embedder.errors import EncoderStoppedError
from services.embedder.ports import Features, Tiles
from shared.errors import TransientError
from tests.support.embedding import DIM, FakeEncoder, digest_of, pixels_of
from tests.support.garbage import collector_off
from tests.support.polling import wait_for

SLIDE = Slide(digest=digest_of("s"))


class HeldEncoder(FakeEncoder):
    """Holds its first batch until it is let go, so that others queue behind it."""

    def __init__(self) -> None:
        super().__init__()
        self.busy = Event()
        self.let_go = Event()

    def embed(self, tiles: Tiles) -> Features:
        self.busy.set()
        self.let_go.wait(10)
        return super().embed(tiles)


@given(
    sizes=st.lists(st.integers(0, 20), min_size=1, max_size=6), batch=st.integers(1, 16), in_flight=st.integers(1, 3)
)
def test_every_caller_gets_the_features_of_its_own_tiles_in_order(sizes: list[int], batch: int, in_flight: int) -> None:
    encoder = FakeEncoder()
    tiles = [pixels_of(SLIDE, range(100 * i, 100 * i + size)) for i, size in enumerate(sizes)]
    batching = Batching(batch, in_flight, max_wait_s=0.001)
    with Batcher(encoder, batching) as batcher, ThreadPoolExecutor(len(sizes)) as callers:
        answers = list(callers.map(batcher.embed, tiles))
    assert all(np.array_equal(answer, FakeEncoder().embed(given)) for answer, given in zip(answers, tiles, strict=True))
    assert max(encoder.batches, default=0) <= batch


def test_small_slides_share_a_batch() -> None:
    encoder = HeldEncoder()
    with Batcher(encoder, Batching(8, max_wait_s=0)) as batcher, ThreadPoolExecutor(5) as callers:
        first = callers.submit(batcher.embed, pixels_of(SLIDE, [0]))
        assert encoder.busy.wait(10)
        rest = [callers.submit(batcher.embed, pixels_of(SLIDE, [i, i + 1])) for i in range(1, 5)]
        assert wait_for(lambda: batcher.waiting == 8, 10)
        encoder.let_go.set()
        assert [len(job.result(10)) for job in [first, *rest]] == [1, 2, 2, 2, 2]
    assert encoder.batches == [1, 8]


def test_a_batch_that_is_not_full_does_not_wait_long() -> None:
    with Batcher(FakeEncoder(), Batching(1000, max_wait_s=0.001)) as batcher:
        assert batcher.embed(pixels_of(SLIDE, range(3))).shape == (3, DIM)


def test_a_batch_that_is_not_full_does_not_wait_while_the_encoder_has_nothing_to_do() -> None:
    with Batcher(FakeEncoder(), Batching(1000, max_wait_s=3600)) as batcher, ThreadPoolExecutor(1) as callers:
        answers = [callers.submit(batcher.embed, pixels_of(SLIDE, range(count))) for count in (1, 2)]
        assert [len(answer.result(10)) for answer in answers] == [1, 2]


def test_several_batches_are_in_flight_at_once() -> None:
    together = Barrier(2, timeout=10)

    class MeetingEncoder(FakeEncoder):
        def embed(self, tiles: Tiles) -> Features:
            together.wait()
            return super().embed(tiles)

    with Batcher(MeetingEncoder(), Batching(2, in_flight=2)) as batcher:
        assert batcher.embed(pixels_of(SLIDE, range(4))).shape == (4, DIM)


def test_an_encoder_that_is_down_is_told_to_every_caller_whose_tiles_it_had() -> None:
    class DownEncoder(FakeEncoder):
        def embed(self, tiles: Tiles) -> Features:
            raise TransientError(f"the encoder is down, {len(tiles)} tiles wait")

    with Batcher(DownEncoder(), Batching(4)) as batcher, ThreadPoolExecutor(3) as callers:
        jobs = [callers.submit(batcher.embed, pixels_of(SLIDE, range(size))) for size in (1, 3, 9)]
        for job in jobs:
            with pytest.raises(TransientError, match="is down"):
                job.result(10)


def test_tiles_that_failed_are_freed_with_their_error() -> None:
    class Down(FakeEncoder):
        def embed(self, tiles: Tiles) -> Features:  # noqa: ARG002
            raise TransientError("down")

    tiles = pixels_of(SLIDE, range(8))
    reference = weakref.ref(tiles)
    with collector_off(), Batcher(Down(), Batching(4)) as batcher:
        with suppress(TransientError):
            batcher.embed(tiles)
        del tiles
        assert wait_for(lambda: reference() is None, 10)


@pytest.mark.parametrize("abandoned", [True, False])
def test_a_hung_encoder_holds_up_neither_the_end_nor_its_callers(
    abandoned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batcher_module, "_END_S", 0.2)
    encoder = HeldEncoder()
    with ThreadPoolExecutor(2) as callers:
        with Batcher(encoder, Batching(4)) as batcher:
            jobs = [callers.submit(batcher.embed, pixels_of(SLIDE, range(6))) for _ in range(2)]
            assert encoder.busy.wait(10)
            if abandoned:
                batcher.abandon()
                with pytest.raises(EncoderStoppedError):
                    batcher.embed(pixels_of(SLIDE, [0]))
        for job in jobs:
            with pytest.raises(EncoderStoppedError):
                job.result(0.5)
        encoder.let_go.set()


def test_what_is_queued_when_it_closes_is_still_answered() -> None:
    encoder = HeldEncoder()
    with ThreadPoolExecutor(2) as callers:
        with Batcher(encoder, Batching(4, max_wait_s=60)) as batcher:
            job = callers.submit(batcher.embed, pixels_of(SLIDE, range(6)))
            assert encoder.busy.wait(10)
            encoder.let_go.set()
        assert job.result(10).shape == (6, DIM)
