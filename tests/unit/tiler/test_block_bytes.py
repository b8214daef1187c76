"""A file read in blocks gives the bytes of the file, however a read lies across blocks."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.block_bytes import VIEW_BLOCK as BLOCK
from services.tiler.block_bytes import BlockBytes

_DATA = Random(1).randbytes(3 * BLOCK + 5)  # noqa: S311 - pixels, no secrets


@dataclass
class Source:
    """Bytes in memory that count how often they are read."""

    name: str = "slide"
    path: Path | None = None
    size: int = len(_DATA)
    reads: list[int] = field(default_factory=list)
    closed: bool = False

    def read(self, at: int, size: int) -> bytes:
        self.reads.append(at)
        return _DATA[at : at + size]

    def close(self) -> None:
        self.closed = True


near_edges = st.builds(lambda block, beside: max(0, block * BLOCK + beside), st.integers(0, 4), st.integers(-9, 9))


@given(at=near_edges, size=st.one_of(st.integers(0, 20), st.integers(BLOCK - 2, BLOCK + 2), st.just(3 * BLOCK)))
def test_any_read_gives_the_bytes_of_the_file(at: int, size: int) -> None:
    assert BlockBytes(Source()).read(at, size) == _DATA[at : at + size]


def test_larger_blocks_give_the_same_bytes_and_neighbours_come_with_them() -> None:
    source = Source()
    blocks = BlockBytes(source)
    small = blocks.read(BLOCK + 3, 10)
    blocks.grow(2 * BLOCK)
    assert blocks.read(BLOCK + 3, 10) == small == _DATA[BLOCK + 3 : BLOCK + 13]
    assert blocks.read(2 * BLOCK - 4, 8) == _DATA[2 * BLOCK - 4 : 2 * BLOCK + 4]
    assert source.reads == [BLOCK, 0, 2 * BLOCK]


class Failing(Source):
    """Fails once."""

    def read(self, at: int, size: int) -> bytes:
        if not self.reads:
            self.reads.append(at)
            raise OSError("no answer")
        return super().read(at, size)


def test_a_block_that_failed_is_read_again() -> None:
    blocks = BlockBytes(Failing())
    with pytest.raises(OSError, match="no answer"):
        blocks.read(0, 10)
    assert blocks.read(0, 10) == _DATA[:10]


def test_threads_that_want_one_block_share_one_read() -> None:
    source = Source()
    blocks = BlockBytes(source)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda at: blocks.read(at, 100), range(0, 4000, 100)))
    assert b"".join(parts) == _DATA[:4000]
    assert source.reads == [0]


def test_neighbours_cost_one_read_of_the_source() -> None:
    source = Source()
    blocks = BlockBytes(source)
    assert b"".join(blocks.read(at, 100) for at in range(0, 1000, 100)) == _DATA[:1000]
    assert source.reads == [0]
    blocks.close()
    assert source.closed
