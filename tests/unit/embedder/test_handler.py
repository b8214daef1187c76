"""What a slide's bag looks like after kills, corrupt tiles and repeated events."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load

from services.embedder.chunks import CheckedTiles
from services.embedder.errors import (
    DamagedChunkError,
    EmptyPlanError,
    EncoderMismatchError,
    TooManyCorruptTilesError,
    TooSlowError,
    UnknownEncoderError,
)
from services.embedder.handler import EmbedSlide
from shared import turns
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, ObjectChangedError
from shared.errors import TransientError, UnfinishedError
from shared.tensors import decode_metadata
from tests.support.embedding import DIM, FakeEncoder, FakeTileSource, Setting, pixels_of, planned


def test_a_bag_has_a_row_for_every_tile_in_the_order_of_the_plan() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    embedded = setting.embed(event)
    data = setting.store.get(embedded.bag.key)
    bag = load(data)
    expected = setting.encoder.embed(pixels_of(event.slide, range(10))).astype(np.float16)
    assert bag["features"].dtype == np.float16
    assert np.array_equal(bag["features"], expected)
    assert np.array_equal(bag["coords"], load(setting.store.get(event.plan.prefix + "tiles.safetensors"))["coords"])
    assert embedded.bag.digest == hashlib.sha256(data).hexdigest()
    assert (embedded.bag.tiles, embedded.ledger.ok, embedded.ledger.background, embedded.ledger.corrupt) == (
        10,
        10,
        7,
        0,
    )


def test_a_bag_says_where_it_comes_from() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=3)
    metadata = decode_metadata(setting.store.get(setting.embed(event).bag.key))
    assert metadata == {
        "corrupt": "0",
        "encoder_digest": setting.encoder.manifest.digest,
        "encoder_name": "moments",
        "plan_digest": event.plan.digest,
        "slide_digest": event.slide.digest,
        "tile_px": "16",
        "tile_um": "8.0",
        "tiles": "3",
    }


def test_only_bag_and_manifest_are_left_in_the_folder() -> None:
    setting = Setting()
    setting.embed(planned(setting.store, tiles=10))
    assert setting.keys_below("embeddings/") == ["bag.safetensors", "manifest.json"]


def test_the_same_event_again_says_the_same_and_asks_for_no_tiles() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    first = setting.embed(event)
    requested = list(setting.tiles.requested)
    assert setting.embed(event).SerializeToString(deterministic=True) == first.SerializeToString(deterministic=True)
    assert setting.tiles.requested == requested


@given(tiles=st.integers(1, 30), per_chunk=st.integers(1, 7), data=st.data())
def test_a_break_anywhere_repeats_no_chunk_and_gives_the_same_bytes(
    tiles: int, per_chunk: int, data: st.DataObject
) -> None:
    chunks = -(-tiles // per_chunk)
    broken = Setting(FakeTileSource(breaks_at=data.draw(st.integers(0, chunks - 1))))
    event = planned(broken.store, tiles, per_chunk)
    with pytest.raises(TransientError):
        broken.embed(event)
    embedded = broken.embed(event)
    whole = Setting()
    planned(whole.store, tiles, per_chunk)
    assert broken.tiles.sent == list(range(chunks))
    assert broken.store.get(embedded.bag.key) == whole.store.get(whole.embed(event).bag.key)


def test_a_long_slide_gives_way_after_each_chunk_and_gives_the_same_bytes() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    embed = replace(setting.embed, turn_s=0.0)
    for number in range(2):
        with turns.turn(number), pytest.raises(UnfinishedError, match=f"{number + 1} of 3 chunks"):
            embed(event)
    with turns.turn(2):
        bag = embed(event).bag
    whole = Setting()
    planned(whole.store, tiles=10)
    assert setting.store.get(bag.key) == whole.store.get(whole.embed(event).bag.key)


def test_a_slide_that_has_had_all_of_its_time_is_refused_and_keeps_its_chunks() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    embed = replace(setting.embed, turn_s=0.0, limit_s=0.0)
    with turns.turn(0), pytest.raises(TooSlowError, match="1 of 3 chunks are embedded after 0 min; 0 min are") as error:
        embed(event)
    assert error.value.reason == "slide_too_large"
    assert setting.keys_below("embeddings/") == ["part-00000.safetensors"]


def test_a_long_slide_is_embedded_at_once_where_nobody_waits() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=10)
    assert replace(setting.embed, turn_s=0.0)(event).bag.tiles == 10


class KilledError(Exception):
    """Stands for kill -9: nothing after it runs."""


class KilledStore(MemoryStore):
    """Dies at the n-th change, just before or just after it is made."""

    def __init__(self, at: int, after: bool) -> None:
        super().__init__()
        self.remaining: int | None = None
        self._at, self._after = at, after

    def arm(self) -> None:
        self.remaining = self._at

    def _change(self) -> bool:
        if self.remaining is None:
            return False
        self.remaining -= 1
        return self.remaining == 0

    def put_new(self, key: str, data: bytes) -> bool:
        dies = self._change()
        if dies and not self._after:
            raise KilledError
        new = super().put_new(key, data)
        if dies:
            raise KilledError
        return new

    def delete(self, key: str) -> None:
        if self._change():
            raise KilledError
        super().delete(key)


@given(at=st.integers(1, 9), after=st.booleans())
def test_a_kill_at_any_write_repeats_at_most_one_chunk_and_gives_the_same_bytes(at: int, after: bool) -> None:
    setting = Setting()
    setting.store = store = KilledStore(at, after)
    setting.embed = EmbedSlide(CheckedTiles(setting.tiles), setting.encoder, store, setting.progress.append)
    event = planned(store, tiles=11)
    store.arm()
    with suppress(KilledError):
        setting.embed(event)
    store.remaining = None
    embedded = setting.embed(event)
    whole = Setting()
    planned(whole.store, tiles=11)
    assert len(setting.encoder.batches) <= 4
    assert store.get(embedded.bag.key) == whole.store.get(whole.embed(event).bag.key)
    assert setting.keys_below("embeddings/") == ["bag.safetensors", "manifest.json"]


def test_a_slide_of_one_chunk_costs_two_writes_and_nothing_to_remove() -> None:
    store = KilledStore(at=3, after=False)
    embed = replace(Setting().embed, store=store)
    event = planned(store, tiles=3)
    store.arm()
    assert embed(event).bag.tiles == 3
    assert store.remaining == 1


def test_corrupt_tiles_are_left_out_and_counted() -> None:
    setting = Setting(FakeTileSource(corrupt=frozenset({2, 9})), max_corrupt=0.2)
    event = planned(setting.store, tiles=10)
    embedded = setting.embed(event)
    bag = load(setting.store.get(embedded.bag.key))
    assert bag["coords"][:, 0].tolist() == [256 * tile for tile in range(10) if tile not in {2, 9}]
    assert bag["features"].shape == (8, DIM)
    assert (embedded.bag.tiles, embedded.ledger.ok, embedded.ledger.corrupt) == (8, 8, 2)


def test_a_slide_with_too_many_corrupt_tiles_is_refused_as_soon_as_that_is_certain() -> None:
    setting = Setting(FakeTileSource(corrupt=frozenset(range(4))))
    event = planned(setting.store, tiles=40)
    with pytest.raises(TooManyCorruptTilesError, match=r"case-1/s1: 4 or more of 40") as refused:
        setting.embed(event)
    assert refused.value.reason == "too_many_corrupt_tiles"
    assert max(setting.tiles.sent) <= 1
    assert "bag.safetensors" not in setting.keys_below("embeddings/")


def test_a_slide_of_which_no_tile_can_be_decoded_never_gives_an_empty_bag() -> None:
    setting = Setting(FakeTileSource(corrupt=frozenset({0})), max_corrupt=0.99)
    with pytest.raises(TooManyCorruptTilesError):
        setting.embed(planned(setting.store, tiles=1))


def test_a_plan_without_tiles_is_refused() -> None:
    setting = Setting()
    with pytest.raises(EmptyPlanError):
        setting.embed(planned(setting.store, tiles=0))


@pytest.mark.parametrize(("field", "value"), [("tile_px", 224), ("tile_um", 16.0), ("preprocessing", "dct")])
def test_a_plan_for_another_encoder_is_refused(field: str, value: float | str) -> None:
    setting = Setting()
    event = planned(setting.store, tiles=4)
    setattr(event.plan, field, value)
    with pytest.raises(EncoderMismatchError) as refused:
        setting.embed(event)
    assert refused.value.reason == "encoder_mismatch"


def test_a_plan_that_is_gone_is_a_changed_object() -> None:
    setting = Setting()
    event = planned(MemoryStore(), tiles=4)
    with pytest.raises(ObjectChangedError):
        setting.embed(event)


def test_a_plan_with_another_number_of_tiles_than_its_event_says_is_tried_again() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=4)
    event.plan.tiles = 5
    with pytest.raises(DamagedChunkError):
        setting.embed(event)


def test_features_that_float16_cannot_hold_are_refused() -> None:
    setting = Setting()
    setting.encoder.embed = lambda tiles: np.full((len(tiles), DIM), 1e6, np.float32)  # type: ignore[method-assign]  # one bad encoder
    with pytest.raises(UnknownEncoderError, match="float16"):
        setting.embed(planned(setting.store, tiles=4))


def test_progress_is_told_at_the_start_and_at_the_end() -> None:
    setting = Setting()
    setting.embed(planned(setting.store, tiles=10))
    assert [(event.done, event.total, event.slide_id) for event in setting.progress] == [(0, 10, "s1"), (10, 10, "s1")]


def test_a_worker_that_loses_the_race_to_another_says_the_same() -> None:
    setting = Setting()
    event = planned(setting.store, tiles=8)
    winner = Setting()
    winner.store = setting.store
    rival = EmbedSlide(CheckedTiles(FakeTileSource()), winner.encoder, setting.store, winner.progress.append)
    with pytest.raises(TransientError):
        EmbedSlide(CheckedTiles(FakeTileSource(breaks_at=1)), FakeEncoder(), setting.store, winner.progress.append)(
            event
        )
    listed = setting.store.list

    def list_then_lose(prefix: str) -> Iterator[BlobInfo]:
        parts = list(listed(prefix))
        setting.store.list = listed  # type: ignore[method-assign]  # once
        rival(event)
        return iter(parts)

    setting.store.list = list_then_lose  # type: ignore[method-assign]  # once
    assert setting.embed(event) == rival(event)
