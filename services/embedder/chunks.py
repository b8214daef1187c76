"""Checks a chunk of tiles against its plan and turns it into pixels."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.tiles_pb2 import TILE_ENCODING_JPEG, TILE_ENCODING_RAW_UINT8, TileChunk
from numpy.typing import NDArray
from PIL import Image

from services.embedder.errors import DamagedChunkError
from services.embedder.ports import Pixels, Tiles


class ChunkSource(Protocol):
    """Chunks of a plan as the tiler sends them; see `TileSource`."""

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[TileChunk]:
        """Yield chunks first_chunk, first_chunk + 1, … to the plan's last."""


@dataclass(frozen=True)
class CheckedTiles:
    """A source of tiles over chunks that came through a network."""

    source: ChunkSource

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[Pixels]:
        """Yield the chunks' pixels; raises DamagedChunkError where one is incomplete or altered."""
        for chunk in self.source.chunks(slide, plan, first_chunk):
            yield decode_chunk(chunk, plan)


def chunks_of(plan: Plan) -> int:
    """How many chunks a plan has."""
    return -(-plan.tiles // plan.tiles_per_chunk)


def decode_chunk(chunk: TileChunk, plan: Plan) -> Pixels:
    """Check the digest and that every tile of the chunk is present or reported corrupt; decode.

    Raises:
        DamagedChunkError: the chunk is incomplete or altered.
    """
    items = list(chunk.pixels)  # each access copies
    _check_digest(chunk, items)
    tiles, unread = _positions(chunk, plan)
    pixels, decoded = _pixels(chunk, items, len(tiles), plan.tile_px)
    corrupt = np.sort(np.concatenate([unread, tiles[~decoded]]))
    return Pixels(chunk.index, pixels, tiles[decoded], corrupt)


def _check_digest(chunk: TileChunk, items: Sequence[bytes]) -> None:
    digest = hashlib.sha256()
    for item in items:
        digest.update(item)
    if digest.hexdigest() != chunk.digest:
        raise DamagedChunkError(f"chunk {chunk.index} does not match its digest")


def _positions(chunk: TileChunk, plan: Plan) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Positions with and without pixels; together exactly the chunk's share of the plan."""
    tiles, corrupt = np.array(chunk.tiles, np.int32), np.array(chunk.corrupt, np.int32)
    start = chunk.index * plan.tiles_per_chunk
    share = np.arange(start, min(start + plan.tiles_per_chunk, plan.tiles))
    if not np.array_equal(np.sort(np.concatenate([tiles, corrupt])), share) or np.any(np.diff(tiles) <= 0):
        raise DamagedChunkError(
            f"chunk {chunk.index} does not hold the plan's tiles {start} to {start + len(share) - 1}"
        )
    return tiles, corrupt


def _pixels(chunk: TileChunk, items: Sequence[bytes], count: int, px: int) -> tuple[Tiles, NDArray[np.bool_]]:
    """Pixels of the tiles that could be decoded, and which of `count` those are."""
    if chunk.encoding == TILE_ENCODING_RAW_UINT8:
        return _raw(chunk.index, items, count, px), np.ones(count, bool)
    if chunk.encoding == TILE_ENCODING_JPEG and len(items) == count:
        return _jpegs(items, px)
    raise DamagedChunkError(
        f"chunk {chunk.index} has {len(items)} items of encoding {chunk.encoding}, not {count} tiles"
    )


def _raw(index: int, items: Sequence[bytes], count: int, px: int) -> Tiles:
    data = items[0] if len(items) == 1 else b"".join(items)
    if len(data) != count * px * px * 3:
        raise DamagedChunkError(f"chunk {index} has {len(data)} bytes, not {count} tiles of {px} px")
    return np.frombuffer(data, np.uint8).reshape(count, px, px, 3)


def _jpegs(items: Sequence[bytes], px: int) -> tuple[Tiles, NDArray[np.bool_]]:
    images = [_jpeg(item, px) for item in items]
    decoded = np.array([image is not None for image in images], bool)
    pixels = [image for image in images if image is not None]
    return (np.stack(pixels) if pixels else np.empty((0, px, px, 3), np.uint8)), decoded


def _jpeg(data: bytes, px: int) -> Tiles | None:
    """One tile [px, px, 3]; None if it is damaged."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            return np.asarray(image.convert("RGB")) if image.size == (px, px) else None
    except (OSError, SyntaxError, ValueError):
        return None
