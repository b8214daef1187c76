"""The grid of the tiles that an encoder takes."""

from services.embedder.manifest import EncoderManifest
from services.tiler.grid import GridSpec
from shared.units import Microns, TilePx


def grid_of(encoder: EncoderManifest) -> GridSpec:
    """Size of the encoder's tiles, and how they are made."""
    px, um = TilePx(encoder.input_px), Microns(encoder.tile_um)
    return GridSpec(tile_px=px, tile_um=um, preprocessing=encoder.preprocessing)
