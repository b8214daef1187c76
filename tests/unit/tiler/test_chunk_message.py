"""A chunk's bytes are those of a message with the same fields."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.tiles_pb2 import TILE_ENCODING_RAW_UINT8, StreamTilesResponse, TileChunk

from services.tiler.chunk_message import encode
from services.tiler.chunks import DecodedChunk


@given(index=st.integers(0, 2**31 - 1), corrupt=st.lists(st.booleans(), max_size=20), px=st.sampled_from([1, 7, 64]))
def test_the_bytes_are_read_as_the_message_of_the_chunk(index: int, corrupt: list[bool], px: int) -> None:
    pixels = np.random.default_rng(len(corrupt)).integers(0, 256, (len(corrupt), px, px, 3), np.uint8)
    mask = np.array(corrupt, np.bool_)
    read = StreamTilesResponse.FromString(encode(DecodedChunk.of(index, 300, pixels, mask)))
    data = pixels[~mask].tobytes()
    assert read.chunk == TileChunk(
        index=index,
        encoding=TILE_ENCODING_RAW_UINT8,
        pixels=[data],
        tiles=300 + np.flatnonzero(~mask),
        corrupt=300 + np.flatnonzero(mask),
        digest=hashlib.sha256(data).hexdigest(),
    )
