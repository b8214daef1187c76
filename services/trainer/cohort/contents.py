"""Digests of bags: of the whole, and of some tiles, by which copies are recognised.

Copies are told where features are equal bit by bit: the same pixels and encoder give the same on one kind of processor,
whatever the batch. A slide embedded anew on another (a GPU) is told by the slide's digest alone.
"""

import hashlib
import heapq
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.canonical import sha256

SAMPLED = 64
COPIED = 0.2
"""From this share of tiles with equal features on, one bag is a copy of the other, or of a fifth of it or more. A tile
has hundreds of float16 numbers, so that two pictures of tissue never agree in all of them; what may agree by chance are
single tiles without a picture (bare glass, a filled border), which a tissue filter leaves in few places."""
_AT_LEAST = 2
"""Equal tiles, where a bag has as many: one may be such a tile."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Digests of one bag."""

    digest: str
    """SHA-256 of the digests of all tiles, in order."""
    tiles: frozenset[str]
    """Of the SAMPLED tiles whose digests are the smallest: chosen by what they hold and not by their place, so that a
    copy from which tiles were taken has the same ones (a bottom-k sketch; Broder, SEQUENCES 1997)."""

    @staticmethod
    def of(rows: npt.NDArray[np.float16]) -> "Contents":
        """Of features [tiles, width]."""
        each = [hashlib.sha256(row).digest() for row in np.ascontiguousarray(rows)]
        smallest = heapq.nsmallest(SAMPLED, set(each))
        return Contents(sha256(b"".join(each)), frozenset(digest.hex()[:16] for digest in smallest))

    def copies(self, known: frozenset[str]) -> bool:
        """Whether a large share of the tiles is among `known` ones."""
        fewest = max(COPIED * len(self.tiles), min(_AT_LEAST, len(self.tiles)))
        return bool(self.tiles) and len(self.tiles & known) >= fewest
