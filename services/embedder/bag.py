"""A slide's features: parts as checkpoints, joined to one bag at the end; the bytes depend only on the contents."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from services.embedder.errors import DamagedChunkError
from shared.tensors import encode_tensors


@dataclass(frozen=True, eq=False)
class Part:
    """Features of one chunk of a plan."""

    features: NDArray[np.float16]
    """[n, dim]"""
    tiles: NDArray[np.int32]
    """[n] positions in the plan of the embedded tiles, ascending."""
    corrupt: NDArray[np.int32]
    """Positions in the plan of tiles that could not be decoded."""


@dataclass(frozen=True, slots=True)
class BagFacts:
    """Metadata of a bag."""

    slide_digest: str
    plan_digest: str
    encoder_digest: str
    encoder_name: str
    tile_px: int
    tile_um: float


def encode_part(part: Part) -> bytes:
    """A part as safetensors."""
    return encode_tensors({"features": part.features, "tiles": part.tiles, "corrupt": part.corrupt})


def decode_part(data: bytes) -> Part:
    """Read a part back.

    Raises:
        DamagedChunkError: the bytes are not a part.
    """
    try:
        arrays = load(data)
        return Part(arrays["features"], arrays["tiles"], arrays["corrupt"])
    except (SafetensorError, KeyError) as error:
        raise DamagedChunkError(f"a stored part of a bag cannot be read: {error}") from error


def encode_bag(parts: Sequence[Part], coords: NDArray[np.int32], facts: BagFacts) -> bytes:
    """Join parts in the plan's order: features float16 [n, dim], coords int32 [n, 2] in level-0 pixels.

    `coords` are those of the whole plan; corrupt tiles have no row.
    """
    features = np.concatenate([part.features for part in parts])
    tiles = np.concatenate([part.tiles for part in parts])
    corrupt = sum(len(part.corrupt) for part in parts)
    metadata = {
        "slide_digest": facts.slide_digest,
        "plan_digest": facts.plan_digest,
        "encoder_digest": facts.encoder_digest,
        "encoder_name": facts.encoder_name,
        "tile_px": str(facts.tile_px),
        "tile_um": repr(facts.tile_um),
        "tiles": str(len(tiles)),
        "corrupt": str(corrupt),
    }
    return encode_tensors({"features": features, "coords": coords[tiles]}, metadata)
