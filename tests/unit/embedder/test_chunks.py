"""A chunk is believed only when it is whole."""

import hashlib
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.tiles_pb2 import TILE_ENCODING_JPEG, TILE_ENCODING_UNSPECIFIED, TileChunk
from PIL import Image

from services.embedder.chunks import chunks_of, decode_chunk
from services.embedder.errors import DamagedChunkError
from tests.support.embedding import PX, digest_of, pixels_of, raw_chunk

SLIDE = Slide(digest=digest_of("s1"))
PLAN = Plan(tiles=10, tiles_per_chunk=4, tile_px=PX)


def jpeg(px: int = PX) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (px, px), (230, 150, 200)).save(file, "JPEG", quality=95)
    return file.getvalue()


def jpeg_chunk(items: list[bytes], corrupt: list[int] | None = None) -> TileChunk:
    digest = hashlib.sha256(b"".join(items)).hexdigest()
    tiles = [tile for tile in range(4) if tile not in (corrupt or [])]
    return TileChunk(
        index=0, encoding=TILE_ENCODING_JPEG, pixels=items, tiles=tiles, corrupt=corrupt or [], digest=digest
    )


@given(tiles=st.integers(1, 1000), per_chunk=st.integers(1, 300))
def test_chunks_cover_the_plan(tiles: int, per_chunk: int) -> None:
    chunks = chunks_of(Plan(tiles=tiles, tiles_per_chunk=per_chunk))
    assert (chunks - 1) * per_chunk < tiles <= chunks * per_chunk


def test_raw_pixels_come_out_as_they_went_in() -> None:
    decoded = decode_chunk(raw_chunk(SLIDE, PLAN, 2, frozenset({9})), PLAN)
    assert np.array_equal(decoded.pixels, pixels_of(SLIDE, [8]))
    assert (decoded.chunk, decoded.tiles.tolist(), decoded.corrupt.tolist()) == (2, [8], [9])


def test_jpeg_tiles_are_decoded_to_rgb() -> None:
    decoded = decode_chunk(jpeg_chunk([jpeg()] * 4), PLAN)
    assert decoded.pixels.shape == (4, PX, PX, 3)
    assert np.abs(decoded.pixels.astype(int) - [230, 150, 200]).max() <= 4


@pytest.mark.parametrize("bad", [b"", b"not a jpeg", jpeg()[: len(jpeg()) // 2], jpeg(px=8)])
def test_a_jpeg_tile_that_cannot_be_decoded_whole_counts_as_corrupt(bad: bytes) -> None:
    decoded = decode_chunk(jpeg_chunk([jpeg(), bad, jpeg()], corrupt=[3]), PLAN)
    assert (decoded.tiles.tolist(), decoded.corrupt.tolist()) == ([0, 2], [1, 3])
    assert decoded.pixels.shape == (2, PX, PX, 3)


def test_a_chunk_of_which_nothing_could_be_decoded_has_no_pixels() -> None:
    decoded = decode_chunk(jpeg_chunk([b"x"] * 4), PLAN)
    assert (decoded.pixels.shape, decoded.corrupt.tolist()) == ((0, PX, PX, 3), [0, 1, 2, 3])


@given(at=st.integers(0, 4 * PX * PX * 3 - 1), flip=st.integers(1, 255))
def test_one_altered_byte_is_noticed(at: int, flip: int) -> None:
    chunk = raw_chunk(SLIDE, PLAN, 0)
    altered = bytearray(chunk.pixels[0])
    altered[at] ^= flip
    chunk.pixels[0] = bytes(altered)
    with pytest.raises(DamagedChunkError, match="digest"):
        decode_chunk(chunk, PLAN)


@pytest.mark.parametrize("tiles", [[0, 1, 2], [0, 1, 2, 2], [0, 1, 2, 4], [0, 2, 1, 3], []])
def test_a_chunk_with_other_tiles_than_the_plans_is_damaged(tiles: list[int]) -> None:
    chunk = raw_chunk(SLIDE, PLAN, 0)
    chunk.tiles[:] = tiles
    with pytest.raises(DamagedChunkError, match="tiles 0 to 3"):
        decode_chunk(chunk, PLAN)


def test_pixels_of_another_length_are_damaged() -> None:
    chunk = raw_chunk(SLIDE, PLAN, 0)
    chunk.pixels[0] = chunk.pixels[0][:-1]
    chunk.digest = hashlib.sha256(chunk.pixels[0]).hexdigest()
    with pytest.raises(DamagedChunkError, match="bytes"):
        decode_chunk(chunk, PLAN)


def test_an_encoding_of_a_newer_tiler_is_not_guessed_at() -> None:
    chunk = raw_chunk(SLIDE, PLAN, 0)
    chunk.encoding = TILE_ENCODING_UNSPECIFIED
    with pytest.raises(DamagedChunkError, match="encoding 0"):
        decode_chunk(chunk, PLAN)
