"""Interfaces of the embedder: an encoder, a source of tiles, a receiver of progress."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from medulla.v1.common_pb2 import Plan, Slide
from medulla.v1.events_pb2 import Progress
from numpy.typing import NDArray

from services.embedder.errors import EncoderMismatchError
from services.embedder.manifest import EncoderManifest

Tiles = NDArray[np.uint8]
"""uint8 [n, px, px, 3], RGB."""
Features = NDArray[np.float32]
"""float32 [n, dim]."""


@dataclass(frozen=True, eq=False)
class Pixels:
    """A chunk's tiles as pixels."""

    chunk: int
    pixels: Tiles
    """uint8 [n, px, px, 3]"""
    tiles: NDArray[np.int32]
    """[n] positions in the plan, ascending."""
    corrupt: NDArray[np.int32]
    """Positions of tiles that do not decode, ascending."""


Notify = Callable[[Progress], None]
"""Receives progress; it may be lost."""


class Encoder(Protocol):
    """A frozen network, to be used by many threads; `onnx_encoder` and `triton_encoder` give the same numbers."""

    @property
    def manifest(self) -> EncoderManifest:
        """The encoder's manifest."""

    def embed(self, tiles: Tiles) -> Features:
        """Embed tiles [n, px, px, 3], in order; n may be 0; the features of a tile do not depend on the other tiles.

        Raises:
            UnknownEncoderError: the server has no such encoder or it takes other tiles.
            TransientError: the encoder is down or did not answer in time.
        """


class TileSource(Protocol):
    """Pixels of a plan's tiles, chunk by chunk."""

    def chunks(self, slide: Slide, plan: Plan, first_chunk: int) -> Iterator[Pixels]:
        """Yield chunks first_chunk, first_chunk + 1, … to the plan's last; closing the iterator frees the source.

        Raises:
            TransientError: the source is down or busy for too long.
            PermanentError: the slide cannot be read, with the source's reason.
        """


def check_tiles(tiles: Tiles, encoder: EncoderManifest) -> None:
    """Check that tiles have the type and shape that the encoder takes.

    Raises:
        EncoderMismatchError: they have another type or shape.
    """
    px = encoder.input_px
    if tiles.dtype != np.uint8 or tiles.shape[1:] != (px, px, 3):
        raise EncoderMismatchError(
            f"encoder {encoder.name} takes uint8 tiles [n, {px}, {px}, 3], not {tiles.dtype} {list(tiles.shape)}"
        )
