"""The tile grid: a regular grid of tiles that are square in microns and never leave the slide."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from services.tiler.errors import SlideBeyondBoundsError
from services.tiler.limits import MAX_PLACES
from services.tiler.ports import Cut, Origins, SlideFacts
from shared.preprocessing import Preprocessing, is_default
from shared.units import Level0Px, Microns, MicronsPerPx, TilePx


class GridSpec(BaseModel):
    """How to cut: tiles of `tile_px` pixels, each covering `tile_um` microns of tissue."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tile_px: TilePx = Field(default=TilePx(256), ge=32, le=1024)
    tile_um: Microns = Field(default=Microns(128.0), ge=8, le=2048)
    preprocessing: Preprocessing = Field(default=Preprocessing.AREA, exclude_if=is_default)
    """As the encoder was trained. Digests name it unless it is the default."""

    @property
    def um_per_px(self) -> MicronsPerPx:
        """Resolution of a tile's pixels."""
        return MicronsPerPx(self.tile_um / self.tile_px)

    def side(self, mpp: MicronsPerPx) -> Level0Px:
        """Side of one tile in level-0 pixels along an axis scanned at `mpp`."""
        return Level0Px(max(1, round(self.tile_um / mpp)))


@dataclass(frozen=True, slots=True)
class Grid:
    """`rows` by `columns` places, the first at the slide's origin, without gap or overlap."""

    rows: int
    columns: int
    cut: Cut

    @property
    def origins(self) -> Origins:
        """Upper left corners, int32 [rows * columns, 2], row by row."""
        return self.corners(np.arange(self.rows * self.columns))

    def corners(self, numbers: NDArray[np.integer]) -> Origins:
        """Upper left corners of places numbered row by row, int32 [n, 2]."""
        rows, columns = np.divmod(numbers.astype(np.int32), np.int32(max(1, self.columns)))
        return np.stack([columns * np.int32(self.cut.width_px), rows * np.int32(self.cut.height_px)], axis=1)


def lay(spec: GridSpec, slide: SlideFacts) -> Grid:
    """The grid over a slide; strips narrower than a tile at the right and lower edge are left out.

    Raises:
        SlideBeyondBoundsError: it has more places than `limits` allow.
    """
    width, height = spec.side(slide.resolution.mpp_x), spec.side(slide.resolution.mpp_y)
    rows, columns = slide.height_px // height, slide.width_px // width
    if rows * columns > MAX_PLACES:
        claim = f"{rows * columns:,} places for tiles of {spec.tile_um:g} um"
        raise SlideBeyondBoundsError(f"the slide has {claim}; {MAX_PLACES:,} at most")
    return Grid(rows, columns, Cut(width, height, spec.tile_px, spec.preprocessing))
