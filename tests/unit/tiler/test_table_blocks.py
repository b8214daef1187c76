"""Tables of stored tiles, read in blocks: each entry is that of the file, and none is read beyond its table."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.byte_source import LocalBytes
from services.tiler.table_blocks import TableBlocks
from services.tiler.tiff_page import Table
from services.tiler.tile_codecs import CorruptTileError

_AT = 10
_ITEMS = 10_000
_DTYPE = np.dtype("<u4")


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> LocalBytes:
    """A table in the middle of other bytes; its entries are three times their index."""
    path = tmp_path_factory.mktemp("file") / "slide.tif"
    path.write_bytes(bytes(_AT) + (3 * np.arange(_ITEMS, dtype=_DTYPE)).tobytes() + b"\xff" * 100)
    return LocalBytes(path)


@given(index=st.one_of(st.integers(0, _ITEMS - 1), st.sampled_from([4095, 4096, 8191, 8192, _ITEMS - 1])))
def test_each_entry_of_a_long_table_is_that_of_the_file(file: LocalBytes, index: int) -> None:
    assert TableBlocks(file).entry(Table(_AT, _ITEMS, _DTYPE), index) == 3 * index


@pytest.mark.parametrize("index", [_ITEMS, 2 * _ITEMS])
def test_an_entry_after_the_end_of_the_table_is_refused(file: LocalBytes, index: int) -> None:
    with pytest.raises(CorruptTileError, match="lists this tile"):
        TableBlocks(file).entry(Table(_AT, _ITEMS, _DTYPE), index)


def test_a_table_that_the_file_cuts_off_has_the_entries_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "slide.tif").write_bytes(np.arange(5000, dtype=_DTYPE).tobytes() + b"\x01\x02")
    tables = TableBlocks(LocalBytes(tmp_path / "slide.tif"))
    table = Table(0, _ITEMS, _DTYPE)
    assert [tables.entry(table, index) for index in (0, 4096, 4999)] == [0, 4096, 4999]
    with pytest.raises(CorruptTileError, match="file ends"):
        tables.entry(table, 5000)
    with pytest.raises(CorruptTileError, match="lists this tile"):
        tables.entry(None, 0)
