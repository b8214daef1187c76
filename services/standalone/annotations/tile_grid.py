"""The grid of labelled tiles."""

import typer
from pydantic import ValidationError

from services.embedder.manifest import EncoderManifest
from services.standalone.encoder_grid import grid_of
from services.tiler.grid import GridSpec


def tile_grid(encoder: EncoderManifest, mpp: float | None, tile_px: int | None) -> GridSpec:
    """The encoder's grid, or one of other pixels or another resolution, um/px.

    Raises:
        typer.BadParameter: no tile is so large or small.
    """
    grid = grid_of(encoder)
    px = tile_px or grid.tile_px
    um = px * (mpp or grid.um_per_px)
    try:
        return GridSpec.model_validate({"tile_px": px, "tile_um": um, "preprocessing": grid.preprocessing})
    except ValidationError:
        raise typer.BadParameter(f"a tile of {px} px would measure {um:g} um; allowed are 8 to 2048") from None
