"""What options state of feature files, and how it completes what the files say."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.standalone.features.contents import Contents
from services.standalone.features.errors import (
    ContradictedStatementError,
    MissingStatementError,
    OtherFeaturesError,
)
from services.standalone.features.tool import Tool, Unit
from shared.canonical import digest_of
from shared.units import Sha256
from shared.words import listed, shown

_SLACK = 0.01
"""Relative difference between a stated size and that of the file, which is rounded to pixels."""
_SMALLEST_POWER, _LARGEST_POWER = 6, 14
"""Bounds of magnification times microns per pixel, which is about 10 for every scanner: 40x is 0.25 um/px."""
_LACKS = {
    "coords": ("the unit of its coordinates", "--coords"),
    "tile-px": ("the side of its tiles in pixels", "--tile-px"),
    "tile-um": ("how large its tiles are on the slide", "--tile-um, or --patches with the folder of CLAM's patches"),
    "mpp": ("the resolution of its slide", "--mpp, or the column mpp of the table"),
}
"""What a file may not say, and the options that state it."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StatedEncoder:
    """The encoder that features are stated to be of."""

    name: str
    digest: Sha256 | None = None
    """Of an encoder whose model is here; else name and dimension identify it."""
    dim: int | None = None
    tile_um: float | None = None
    aliases: tuple[str, ...] = ()
    """What other tools call it."""

    def digest_for(self, dim: int) -> Sha256:
        """The digest that bags of `dim` features a tile carry."""
        return self.digest or digest_of({"kind": "stated encoder", "name": self.name, "dim": dim})


@dataclass(frozen=True, slots=True)
class Stated:
    """The options of an import; None where none was given."""

    encoder: StatedEncoder
    tool: Tool | None = None
    tile_px: int | None = None
    tile_um: float | None = None
    mpp: float | None = None
    """Level-0 microns per pixel of slides for which the table states none."""
    unit: Unit | None = None
    patches: Path | None = None
    """Folder of the files of patches, which say how large tiles are where the feature files do not."""


@dataclass(frozen=True, slots=True)
class TileGrid:
    """The tiles of one slide, complete."""

    unit: Unit
    tile_px: int
    tile_um: float
    side_px: float
    """Side of a tile in level-0 pixels."""
    mpp: float
    """Level-0 microns per pixel."""

    @property
    def level0_per_unit(self) -> float:
        """Level-0 pixels to a unit of the coordinates."""
        return {Unit.LEVEL0: 1.0, Unit.UM: 1 / self.mpp, Unit.TILE: self.tile_um / (self.tile_px * self.mpp)}[self.unit]


def grid_of(contents: Contents, stated: Stated, mpp: float | None) -> TileGrid:
    """The grid of a file, completed by options; `mpp` is what the table states of its slide.

    Raises:
        ContradictedStatementError: the file and an option differ, or the encoder takes tiles of another size.
        MissingStatementError: neither says what is needed; the sentence names the options.
    """
    unit = _agreed("the unit of its coordinates", contents.unit, stated.unit, "--coords")
    tile_px = stated.tile_px if contents.tool is Tool.CLAM and stated.tile_px else None
    tile_px = tile_px or _agreed("the side of its tiles in pixels", contents.tile_px, stated.tile_px, "--tile-px")
    tile_um, side, resolution = _solved(
        stated.tile_um or contents.tile_um or stated.encoder.tile_um, contents.side_px, mpp or stated.mpp
    )
    if unit is None or tile_px is None or tile_um is None or side is None or resolution is None:
        lacking = {"coords": unit, "tile-px": tile_px, "tile-um": tile_um or side, "mpp": resolution}
        raise _missing([name for name, value in lacking.items() if value is None])
    _check_magnification(contents.magnification, resolution, _source(mpp, stated))
    for measured in (contents.tile_um, side * resolution):
        _check_size(measured, tile_um)
    _check_taken(tile_um, stated.encoder)
    return TileGrid(unit, tile_px, tile_um, side, resolution)


def check_encoder(contents: Contents, encoder: StatedEncoder) -> None:
    """Refuse features of another encoder.

    Raises:
        OtherFeaturesError: the file names another one, or has another number of features a tile.
    """
    if contents.encoder and _plain(contents.encoder) not in map(_plain, (encoder.name, *encoder.aliases)):
        raise OtherFeaturesError(
            f"says that its encoder is {shown(contents.encoder)}, and --encoder states {shown(encoder.name)}"
        )
    if encoder.dim and contents.dim != encoder.dim:
        raise OtherFeaturesError(f"has {contents.dim} features a tile, and encoder {encoder.name} gives {encoder.dim}")


def _solved(
    tile_um: float | None, side: float | None, resolution: float | None
) -> tuple[float | None, float | None, float | None]:
    """Any one of side in microns, side in level-0 pixels and microns per pixel, from the two others."""
    if resolution is None:
        return tile_um, side, tile_um / side if tile_um and side else None
    if tile_um is None:
        return (side * resolution if side else None), side, resolution
    return tile_um, side or max(1, round(tile_um / resolution)), resolution


def _agreed(what: str, in_file: T | None, stated: T | None, option: str) -> T | None:
    if in_file is not None and stated is not None and in_file != stated:
        raise ContradictedStatementError(f"says that {what} is {in_file}, and {option} states {stated}")
    return stated if in_file is None else in_file


def _check_size(measured: float | None, tile_um: float) -> None:
    if measured and abs(measured - tile_um) > _SLACK * tile_um:
        raise ContradictedStatementError(
            f"has tiles of {measured:.4g} um a side by what it says and by the resolution that is stated, "
            f"and not of {tile_um:.4g} um"
        )


def _check_taken(tile_um: float, encoder: StatedEncoder) -> None:
    """Refuse tiles on which the encoder would give other features: slides are cut for it by its own size."""
    if encoder.tile_um and abs(encoder.tile_um - tile_um) > _SLACK * tile_um:
        raise ContradictedStatementError(
            f"has tiles of {tile_um:.4g} um a side, and encoder {encoder.name} takes those of {encoder.tile_um:.4g} um"
        )


def _source(mpp: float | None, stated: Stated) -> str:
    """What states the resolution of a slide of which the file states the magnification."""
    if mpp or stated.mpp:
        return "the column mpp of the table" if mpp else "--mpp"
    return "--tile-um" if stated.tile_um else "the tile size of the encoder"


def _check_magnification(magnification: float, resolution: float, source: str) -> None:
    if magnification and not _SMALLEST_POWER <= magnification * resolution <= _LARGEST_POWER:
        raise ContradictedStatementError(
            f"says that its slide was scanned at {magnification:g}x, which is about {10 / magnification:.3g} um/px, "
            f"and {source} gives {resolution:.4g} um/px"
        )


def _missing(names: Sequence[str]) -> MissingStatementError:
    lacks, options = zip(*(_LACKS[name] for name in names), strict=True)
    return MissingStatementError(f"does not say {listed(lacks)}: state {listed(options)}")


def _plain(name: str) -> str:
    """An encoder's name for comparison: UNI_v1 and uni-v1 are one."""
    return re.sub("[^a-z0-9]", "", name.lower())
