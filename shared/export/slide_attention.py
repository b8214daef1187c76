"""The model's attention over the tiles of one slide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load

from shared.arrays import Floats, Members
from shared.export.errors import BrokenMapError

STRIKING = 4.0
"""Attention of the deepest colour over the mean, so that a uniform map does not look like a distinct one."""
PREFERENCE = 1.05
"""Up to this ratio of highest to mean attention the model had no preference among the tiles; as on the page."""


@dataclass(frozen=True, slots=True)
class SlideAttention:
    """Attention of one slide's tiles.

    `attention` is float [n] and sums to at most one; `coords` is int [n, 2], level-0 x and y of each tile's corner.
    """

    attention: NDArray[np.float32]
    coords: NDArray[np.int32]
    prototypes: Members | None = None
    """uint8 [n]; None where the score has none."""
    composition: Members | None = None
    """uint8 [n], the likeliest class; None where the score has none."""

    @property
    def highest(self) -> float:
        """The most attended tile's attention."""
        return float(self.attention.max(initial=0.0))

    @property
    def mean(self) -> float:
        """Attention of each tile if the model had no preference within the slide."""
        return float(self.attention.sum(dtype=np.float64) / max(len(self.attention), 1))

    @property
    def has_preference(self) -> bool:
        """Whether the most attended tile differs from the slide's mean."""
        return self.highest > PREFERENCE * self.mean

    def shares(self) -> Floats:
        """Position of each tile on the ramp of colours, 0 to 1: its attention relative to the mean, not its rank."""
        deepest = max(self.highest, STRIKING * self.mean, 1e-12)
        return np.sqrt(np.asarray(self.attention, np.float64) / deepest)

    def descending(self) -> NDArray[np.int64]:
        """Indices of the tiles, the most attended first; of equals the one that comes first in the plan."""
        return np.argsort(-self.attention, kind="stable")


def read_attention(data: bytes, slide_id: str) -> SlideAttention:
    """Read a map: safetensors with `attention` float32 [n], `coords` int32 [n, 2], maybe `prototype` and `composition`.

    Raises:
        BrokenMapError: the bytes are not such a map.
    """
    try:
        tensors = load(data)
        coords, attention = tensors["coords"], tensors["attention"]
    except (SafetensorError, KeyError) as error:
        raise BrokenMapError(f"attention map of slide {slide_id} cannot be read") from error
    if coords.shape != (len(attention), 2) or not np.isfinite(attention).all():
        raise BrokenMapError(f"attention map of slide {slide_id} has shapes or values that cannot be")
    for name in ("prototype", "composition"):
        members = tensors.get(name)
        if members is not None and (members.shape != attention.shape or members.dtype != np.uint8):
            raise BrokenMapError(f"attention map of slide {slide_id} has a {name} of tiles that cannot be")
    return SlideAttention(attention, coords, tensors.get("prototype"), tensors.get("composition"))
