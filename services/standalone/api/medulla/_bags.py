"""Reads the bag of one slide."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from services.trainer.errors import BadEmbeddingsError


@dataclass(frozen=True, eq=False)
class Bag:
    """The embedded tiles of one slide."""

    features: NDArray[np.float16]
    """[n, d]: d features of each of n tiles."""
    coords: NDArray[np.int32]
    """[n, 2]: x and y of each tile's upper left corner, in level-0 pixels."""
    tile_px: int
    """Side of a tile as the encoder saw it, in pixels."""
    tile_um: float
    """Side of a tile on the glass, in microns."""
    encoder_name: str
    encoder_digest: str
    slide_digest: str
    """SHA-256 of the slide's bytes."""
    plan_digest: str
    """Of how the slide was cut into tiles."""

    @classmethod
    def load(cls, path: str | Path) -> "Bag":
        """Read a `bag.safetensors` that `medulla.embed` or `medulla embed` wrote.

        >>> path = next(Path("embeddings").rglob("bag.safetensors"))
        >>> bag = medulla.Bag.load(path)
        >>> bag.features.shape, bag.coords.shape, bag.tile_px, bag.tile_um, bag.encoder_name
        ((38, 1280), (38, 2), 256, 128.0, 'efficientnet_lite0')

        Raises:
            medulla.errors.BadEmbeddingsError: it cannot be read, or is no bag.
        """
        try:
            with safe_open(Path(path), "numpy") as file:
                features, coords = file.get_tensor("features"), file.get_tensor("coords")
                stated = dict(file.metadata() or {})
            tile_px, tile_um = int(stated["tile_px"]), float(stated["tile_um"])
        except OSError as error:
            raise BadEmbeddingsError(f"bag {path} cannot be read: {error.strerror or error}") from error
        except (SafetensorError, KeyError, ValueError) as error:
            raise BadEmbeddingsError(f"{path} is no bag of features, coords and the size of their tiles") from error
        if features.dtype != np.float16 or features.ndim != 2 or coords.shape != (len(features), 2):
            raise BadEmbeddingsError(f"{path} has no float16 features [n, d] with coords [n, 2]")
        digests = (stated.get(name, "") for name in ("encoder_name", "encoder_digest", "slide_digest", "plan_digest"))
        return cls(features, coords, tile_px, tile_um, *digests)
