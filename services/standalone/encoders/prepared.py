"""A network of torch with the preparation of pixels in front: uint8 tiles in, float32 features out."""

import numpy as np
import torch
from torch import Tensor, nn

from services.embedder.graph import axis_matrix, is_resized
from services.embedder.ports import Features, Tiles
from services.standalone.encoders.recipe import Pixels


class Prepared(nn.Module):
    """Tiles uint8 [n, tile_px, tile_px, 3] to features [n, dim]."""

    axis: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, pixels: Pixels, input_px: int) -> None:
        super().__init__()
        self.network = network
        preparation = pixels.preparation
        self._resized = is_resized(preparation, pixels.tile_px, input_px)
        axis = torch.from_numpy(axis_matrix(preparation, pixels.tile_px, input_px))
        self.register_buffer("axis", axis)
        self.register_buffer("mean", torch.tensor(preparation.mean).reshape(3, 1, 1))
        self.register_buffer("std", torch.tensor(preparation.std).reshape(3, 1, 1))

    def forward(self, tiles: Tensor) -> Tensor:
        """Features of tiles."""
        images = tiles.to(torch.float32).permute(0, 3, 1, 2)
        if self._resized:
            images = self.axis @ images @ self.axis.T
        features: Tensor = self.network((images - self.mean) / self.std)
        return features

    def embed(self, tiles: Tiles) -> Features:
        """Features of tiles as arrays, in order."""
        with torch.no_grad():
            features = [self(torch.from_numpy(tile[None]))[0] for tile in tiles]
        return np.asarray(torch.stack(features).numpy(), np.float32)
