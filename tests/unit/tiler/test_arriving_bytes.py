"""Bytes of a slide while they arrive: any read gives the right ones, one hash covers all, memory is bounded."""

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from services.tiler import arriving_bytes
from services.tiler.arriving_bytes import ArrivingBytes
from services.tiler.in_place import whole_digest
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, ObjectChangedError
from shared.errors import TransientError
from shared.units import Sha256

_PART = 1000


def nothing() -> None:
    """Nothing to check."""


@dataclass
class Store:
    """A store that notes the ranges that are requested, and may fail from one byte on."""

    inner: MemoryStore = field(default_factory=MemoryStore)
    requests: list[tuple[str, int]] = field(default_factory=list)
    fails_from: int = 2**40

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        self.requests.append((info.key, start))
        if start >= self.fails_from:
            raise TransientError("the store is down")
        return self.inner.get_range(info, start, end)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving_bytes, "PART", _PART)


@pytest.fixture
def store() -> Store:
    return Store()


def put(store: Store, *sizes: int) -> list[BlobInfo]:
    data = [Random(size).randbytes(size) for size in sizes]  # noqa: S311 - pixels, no secrets
    return [store.inner.put(f"slides/case-1/{number}", each) for number, each in enumerate(data)]


@pytest.fixture
def source(store: Store) -> Iterator[ArrivingBytes]:
    with closing(ArrivingBytes(store, put(store, 200_500, 700, 31_000))) as arriving:
        arriving.start()
        yield arriving


def test_reads_in_any_order_give_the_bytes_of_the_files(store: Store, source: ArrivingBytes) -> None:
    rng = Random(1)  # noqa: S311 - no secrets
    whole = [store.inner.get(info.key) for info in source.files]
    wanted = [(0, at, 300) for at in range(0, 200_500, 250)]
    wanted += [(file, rng.randrange(len(whole[file])), rng.randrange(900)) for file in (0, 1, 2) for _ in range(200)]
    with ThreadPoolExecutor(4) as pool:
        for (file, at, size), data in zip(wanted, pool.map(lambda each: source.read(*each), wanted), strict=True):
            assert data == whole[file][at : at + size]


def test_the_digest_is_that_of_all_files_whatever_was_read(store: Store, source: ArrivingBytes) -> None:
    source.read(0, 150_000, 10)
    digests = [Sha256(hashlib.sha256(store.inner.get(info.key)).hexdigest()) for info in source.files]
    assert source.digest(nothing, 5) == whole_digest(digests)


def test_a_reader_in_order_costs_each_byte_once(store: Store, source: ArrivingBytes) -> None:
    for at in range(0, 200_500, 500):
        source.read(0, at, 500)
    source.digest(nothing, 5)
    assert sorted(store.requests) == sorted(
        (info.key, at) for info in source.files for at in range(0, info.size, _PART)
    )


def test_no_more_than_a_window_is_requested_before_it_is_read(store: Store, source: ArrivingBytes) -> None:
    source.read(0, 0, 10)
    source.read(0, 13_500, 10)
    assert max(at for _, at in store.requests) <= 20 * _PART
    assert len(source._window) <= 17


def test_a_slide_that_was_overwritten_is_no_longer_read(store: Store) -> None:
    infos = put(store, 50_000)
    store.inner.put(infos[0].key, bytes(50_000))
    with closing(ArrivingBytes(store, infos)) as source:
        source.start()
        with pytest.raises(ObjectChangedError):
            source.read(0, 100, 10)
        with pytest.raises(ObjectChangedError):
            source.digest(nothing, 5)
        assert isinstance(source.failure, ObjectChangedError)


def test_a_store_that_fails_half_way_ends_reading_and_proof(store: Store) -> None:
    store.fails_from = 20_000
    with closing(ArrivingBytes(store, put(store, 50_000))) as source:
        source.start()
        with pytest.raises(TransientError):
            [source.read(0, at, 500) for at in range(0, 50_000, 500)]
        with pytest.raises(TransientError):
            source.digest(nothing, 5)


def test_a_closed_source_ends_its_proof(store: Store) -> None:
    source = ArrivingBytes(store, put(store, 500_000))
    source.start()
    source.close()
    with pytest.raises(TransientError):
        source.digest(nothing, 5)
