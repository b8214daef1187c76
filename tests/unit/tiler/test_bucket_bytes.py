"""Byte ranges of objects: what is asked of the store, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.bucket_bytes import MAX_READ, BucketBytes, TooScatteredError
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, ObjectChangedError
from shared.errors import TransientError

_KEY = "slides/c/s.svs"
_BLOCK = 2**17


class _Counting(MemoryStore):
    """A store that notes the ranges that it gave."""

    def __init__(self) -> None:
        super().__init__()
        self.ranges: list[tuple[int, int]] = []

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        self.ranges.append((start, end))
        return super().get_range(info, start, end)


def opened(data: bytes, cache: int = 2**20) -> tuple[_Counting, BucketBytes]:
    store = _Counting()
    return store, BucketBytes(store, [store.put(_KEY, data)], cache)


_DATA = bytes(range(256)) * 3000


@given(at=st.integers(0, len(_DATA) + 10), size=st.integers(0, 300_000))
def test_any_range_holds_the_bytes_of_the_object(at: int, size: int) -> None:
    _, source = opened(_DATA, cache=3 * _BLOCK)
    assert source.read(0, at, size) == _DATA[at : at + size]
    assert source.read(0, at, size) == _DATA[at : at + size]


def test_neighbouring_reads_ask_the_store_once() -> None:
    store, source = opened(_DATA)
    source.read(0, 100, 50)
    source.read(0, 90_000, 5000)
    assert store.ranges == [(0, _BLOCK)]


def test_a_read_over_several_blocks_is_one_request() -> None:
    store, source = opened(_DATA)
    source.read(0, 10, 3 * _BLOCK)
    assert store.ranges == [(0, 4 * _BLOCK)]


def test_blocks_beyond_the_cache_are_dropped_and_read_again() -> None:
    store, source = opened(_DATA, cache=_BLOCK)
    for at in (0, 2 * _BLOCK, 0):
        source.read(0, at, 10)
    assert [start for start, _ in store.ranges] == [0, 2 * _BLOCK, 0]


@pytest.mark.parametrize(("file", "at", "size"), [(1, 0, 1), (-1, 0, 1), (0, -1, 1), (0, 0, -1), (0, 0, MAX_READ + 1)])
def test_a_request_out_of_bounds_reads_nothing(file: int, at: int, size: int) -> None:
    store, source = opened(_DATA)
    with pytest.raises(ValueError, match=str(size)):
        source.read(file, at, size)
    assert store.ranges == []


def test_an_overwritten_object_gives_no_byte_and_is_remembered() -> None:
    store, source = opened(_DATA)
    store.put(_KEY, _DATA[::-1])
    with pytest.raises(ObjectChangedError):
        source.read(0, 0, 10)
    assert isinstance(source.failure, ObjectChangedError)


def test_opening_reads_a_limited_part_of_a_slide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.tiler.bucket_bytes._OPENING_BYTES", 2 * _BLOCK)
    _, source = opened(_DATA)
    source.read(0, 0, 2 * _BLOCK)
    with pytest.raises(TooScatteredError):
        source.read(0, 2 * _BLOCK, 1)


def test_an_open_slide_is_read_without_that_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.tiler.bucket_bytes._OPENING_BYTES", _BLOCK)
    _, source = opened(_DATA)
    source.opened()
    assert len(source.read(0, 0, 4 * _BLOCK)) == 4 * _BLOCK


def test_a_store_that_is_down_is_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    store, source = opened(_DATA)

    def down(*_: object) -> bytes:
        raise TransientError("the store is down")

    monkeypatch.setattr(store, "get_range", down)
    with pytest.raises(TransientError):
        source.read(0, 0, 10)
    assert isinstance(source.failure, TransientError)
    assert source.waiting == 0
