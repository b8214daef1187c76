"""Compares an exported encoder with the network that it was made from, on random and on real tiles."""

from collections.abc import Callable, Mapping

import numpy as np

from services.embedder.conversion import Parity, Precision
from services.embedder.known_tile import known_tile
from services.embedder.ports import Features, Tiles
from services.standalone.demo_case import DEMO_SLIDE
from services.standalone.encoders.errors import BadNetworkError, DifferentFeaturesError
from services.tiler.grid import GridSpec
from services.tiler.ports import Cut
from services.tiler.readers import open_slide
from shared.units import Microns, TilePx

Embed = Callable[[Tiles], Features]

LIMITS: Mapping[Precision, float] = {"float32": 1e-4, "float16": 1e-2}
"""Largest difference of a feature, as a share of the norm of its tile's features, by precision of the weights."""
_RANDOM, _REAL = 2, 2
_SEED = 1


def compare(served: Embed, reference: Embed, named: str, tiles: Tiles) -> Parity:
    """Compare two ways to embed the same tiles; `named` says what the reference is.

    Raises:
        BadNetworkError: the reference gives no features [n, dim], or only zeros for a tile.
        DifferentFeaturesError: they give features of another shape, or none that are numbers.
    """
    features, expected = served(tiles).astype(np.float64), reference(tiles).astype(np.float64)
    if expected.ndim != 2:
        raise BadNetworkError(f"{named} gives {list(expected.shape)} for {len(tiles)} tiles, not [{len(tiles)}, dim]")
    if features.shape != expected.shape or not np.isfinite([features.sum(), expected.sum()]).all():
        raise DifferentFeaturesError(
            f"the encoder gives features {list(features.shape)}, {named} {list(expected.shape)}, or they are no numbers"
        )
    differences = np.abs(features - expected)
    norms = np.linalg.norm(expected, axis=1, keepdims=True)
    if not norms.all():
        raise BadNetworkError(f"{named} gives only zeros for a tile")
    cosines = (features * expected).sum(axis=1) / (np.linalg.norm(features, axis=1) * norms[:, 0])
    return Parity(
        reference=named,
        tiles=len(tiles),
        largest_difference=float(differences.max()),
        share_of_norm=float((differences / norms).max()),
        cosine=float(min(cosines.min(), 1.0)),
    )


def check_parity(parity: Parity, precision: Precision) -> None:
    """Refuse an encoder that differs by more than the limit of its precision.

    Raises:
        DifferentFeaturesError: it does.
    """
    if parity.share_of_norm > LIMITS[precision]:
        raise DifferentFeaturesError(
            f"the encoder differs from {parity.reference} by {parity.share_of_norm:.2g} of the norm "
            f"(cosine {parity.cosine:.6f}); {LIMITS[precision]:g} is allowed for {precision} weights"
        )


def parity_tiles(tile_px: int, tile_um: float) -> Tiles:
    """Random tiles, the known tile, and tiles of the slide that ships: uint8 [n, tile_px, tile_px, 3]."""
    noise = np.random.default_rng(_SEED).integers(0, 256, (_RANDOM, tile_px, tile_px, 3), np.uint8)
    return np.concatenate([noise, known_tile(tile_px)[np.newaxis], _real_tiles(tile_px, tile_um)])


def _real_tiles(tile_px: int, tile_um: float) -> Tiles:
    with open_slide(DEMO_SLIDE) as slide:
        resolution = slide.describe().resolution
        grid = GridSpec(tile_px=TilePx(tile_px), tile_um=Microns(tile_um))
        cut = Cut(grid.side(resolution.mpp_x), grid.side(resolution.mpp_y), grid.tile_px)
        origins = np.array([(i * cut.width_px, i * cut.height_px) for i in range(_REAL)], np.int32)
        pixels: Tiles = slide.read_tiles(origins, cut).pixels
    return pixels
