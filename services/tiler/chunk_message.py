"""The message of a decoded chunk, as bytes: a message object would copy the pixels twice more."""

from collections.abc import Iterator

from medulla.v1.tiles_pb2 import TILE_ENCODING_RAW_UINT8, StreamTilesResponse, TileChunk

from services.tiler.chunks import DecodedChunk
from shared.canonical import sha256

_LENGTH_DELIMITED = 2
"""Wire type of bytes and of messages within messages, https://protobuf.dev/programming-guides/encoding."""


def encode(chunk: DecodedChunk) -> bytes:
    """A StreamTilesResponse with the chunk; its fields may stand in any order, so the pixels come last."""
    facts = TileChunk(
        index=chunk.index,
        encoding=TILE_ENCODING_RAW_UINT8,
        tiles=chunk.tiles.tolist(),
        corrupt=chunk.corrupt.tolist(),
        digest=sha256(chunk.pixels.data),
    ).SerializeToString()
    pixels = _head(TileChunk.PIXELS_FIELD_NUMBER, chunk.pixels.nbytes)
    size = len(facts) + len(pixels) + chunk.pixels.nbytes
    return b"".join((_head(StreamTilesResponse.CHUNK_FIELD_NUMBER, size), facts, pixels, chunk.pixels.data))


def _head(field: int, size: int) -> bytes:
    """What stands before `size` bytes of a field."""
    return bytes((field << 3 | _LENGTH_DELIMITED, *_varint(size)))


def _varint(number: int) -> Iterator[int]:
    """Seven bits a byte, the lowest first; all but the last are marked."""
    while number > 0x7F:
        yield number & 0x7F | 0x80
        number >>= 7
    yield number
