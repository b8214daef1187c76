"""Other stains and other positions of the same tissue, drawn for each tile from seed, epoch and place alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its customary name

_STAINS = ((0.65, 0.70, 0.29), (0.07, 0.99, 0.11), (0.27, 0.57, 0.78))
"""Optical density of haematoxylin, eosin and DAB in R, G, B: Ruifrok and Johnston, Anal Quant Cytol Histol 2001;23."""


@dataclass(frozen=True, eq=False)
class Views:
    """How n tiles are to be seen: `gain` and `offset` [n, 3] of the stains, and the place of each pixel [n, 2, 2]."""

    gain: Tensor
    offset: Tensor
    turn: Tensor

    def __call__(self, tiles: Tensor) -> Tensor:
        """Tiles [n, px, px, 3] of 0 to 255, seen so; float32, on the device of the tiles."""
        stained = restain(tiles, self.gain.to(tiles.device), self.offset.to(tiles.device))
        return _turned(stained, self.turn.to(tiles.device))


def draw(keys: Sequence[Sequence[int]], stain: float, scale: float) -> Views:
    """Draw one view for each key; the same key gives the same view.

    `stain` is the largest change of a stain's amount, as a share and in optical density (Tellez et al., Med Image Anal
    2019;58:101544); `scale` the largest change of size. Mirrored and turned by a multiple of 90 degrees with equal
    chance.
    """
    rows = [_draw(np.random.default_rng(list(key)), stain, scale) for key in keys]
    gain, offset, turn = (torch.from_numpy(np.stack(part).astype(np.float32)) for part in zip(*rows, strict=True))
    return Views(gain, offset, turn)


def restain(tiles: Tensor, gain: Tensor, offset: Tensor) -> Tensor:
    """Change the amount of each stain: gain * amount + offset, in optical density; float32 [n, px, px, 3]."""
    stains = torch.tensor(_STAINS, dtype=torch.float32, device=tiles.device)
    stains = stains / stains.norm(dim=1, keepdim=True)
    density = -torch.log((tiles.float() + 1) / 256)
    amount = density @ torch.linalg.inv(stains)
    changed = (amount * gain[:, None, None] + offset[:, None, None]) @ stains
    return (torch.exp(-changed) * 256 - 1).clamp(0, 255)


def _draw(rng: np.random.Generator, stain: float, scale: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    gain, offset = 1 + stain * rng.uniform(-1, 1, 3), stain * rng.uniform(-1, 1, 3)
    quarter = np.array([[0.0, -1.0], [1.0, 0.0]])
    turn = np.linalg.matrix_power(quarter, int(rng.integers(4))) @ np.diag([rng.choice([-1.0, 1.0]), 1.0])
    return gain, offset, turn / (1 + scale * rng.uniform(-1, 1))


def _turned(tiles: Tensor, turn: Tensor) -> Tensor:
    """Resample [n, px, px, 3]; what lies outside is mirrored in."""
    images = tiles.permute(0, 3, 1, 2)
    matrix = F.pad(turn, (0, 1))
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="reflection", align_corners=False).permute(0, 2, 3, 1)
