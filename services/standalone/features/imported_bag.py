"""Makes a bag of a feature file: features float16, level-0 coordinates, and digests of what is in it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.embedder.bag import BagFacts, Part, encode_bag
from services.standalone.features.contents import Contents
from services.standalone.features.errors import BadFeatureFileError, MissingStatementError
from services.standalone.features.stated import StatedEncoder, TileGrid
from shared.canonical import canonical_json, digest_of, sha256
from shared.units import Sha256

_ROWS = 4096
"""Tiles that are read at once."""
_OVERLAPPING = 0.5
"""Share of tiles that overlap their neighbour in a row, above which the tiles were cut overlapping."""
_ROUNDING_PX = 2
_FARTHEST_PX = 2**31 - 1


@dataclass(frozen=True, eq=False)
class ImportedBag:
    """A bag with the digests that name its folder, and the plan that says how its tiles lie."""

    data: bytes
    tiles: int
    slide_digest: Sha256
    plan_digest: Sha256
    encoder_digest: Sha256
    plan: bytes
    """`plan.json`."""


def import_bag(contents: Contents, grid: TileGrid, encoder: StatedEncoder, slide: Sha256 | None = None) -> ImportedBag:
    """Make a bag; the slide's digest is that of the tiles where `slide` gives none.

    Raises:
        BadFeatureFileError: features or coordinates are none that a bag can hold.
    """
    coords, features = level0(contents, grid), half(contents)
    plan = {"made_by": "medulla import", "coords": sha256(coords.tobytes())} | _plan(contents, grid)
    slide_digest = slide or digest_of({"coords": plan["coords"], "features": sha256(features.tobytes())})
    facts = BagFacts(
        slide_digest=slide_digest,
        plan_digest=digest_of(plan),
        encoder_digest=encoder.digest_for(contents.dim),
        encoder_name=encoder.name,
        tile_px=grid.tile_px,
        tile_um=grid.tile_um,
    )
    tiles = np.arange(len(features), dtype=np.int32)
    data = encode_bag([Part(features, tiles, tiles[:0])], coords, facts)
    return ImportedBag(
        data, len(tiles), slide_digest, Sha256(facts.plan_digest), Sha256(facts.encoder_digest), canonical_json(plan)
    )


def level0(contents: Contents, grid: TileGrid) -> npt.NDArray[np.int32]:
    """Coordinates [n, 2] of upper left corners in level-0 pixels.

    Raises:
        MissingStatementError: there are none.
        BadFeatureFileError: they are no positions, or tiles lie upon each other.
    """
    stored = contents.coords
    if stored is None:
        raise MissingStatementError("holds features without coordinates: name the folder of patches with --patches")
    if not np.isfinite(stored).all() or (stored < 0).any():
        raise BadFeatureFileError("has coordinates that are negative, or no numbers")
    exact = stored * grid.level0_per_unit
    rounded = np.rint(exact)
    if grid.level0_per_unit == 1 and (rounded != exact).any():
        raise BadFeatureFileError("has coordinates that are no whole pixels: state their unit with --coords")
    if (rounded > _FARTHEST_PX).any():
        raise BadFeatureFileError("has coordinates beyond any slide")
    coords = rounded.astype(np.int32)
    _check_layout(coords, contents.overlap_px, grid.side_px)
    return coords


def half(contents: Contents) -> npt.NDArray[np.float16]:
    """Features [n, d] as a bag holds them.

    Raises:
        BadFeatureFileError: they are not finite, or beyond float16.
    """
    features = np.empty((contents.tiles, contents.dim), np.float16)
    for start in range(0, contents.tiles, _ROWS):
        rows = contents.read(start, min(start + _ROWS, contents.tiles))
        if not np.isfinite(rows).all():
            raise BadFeatureFileError(f"holds features that are no numbers, among tiles {start} to {start + len(rows)}")
        with np.errstate(over="ignore"):
            features[start : start + len(rows)] = rows
        if not np.isfinite(features[start : start + len(rows)]).all():
            raise BadFeatureFileError(f"holds the feature {np.abs(rows).max():.4g}; a bag's float16 ends at 65504")
    return features


def _check_layout(coords: npt.NDArray[np.int32], overlap_px: float, side: float) -> None:
    """Refuse tiles that are in the file twice, or were cut overlapping; CLAM's contours may touch each other."""
    if overlap_px:
        raise BadFeatureFileError(f"says that its tiles overlap by {overlap_px:g} pixels; cut them side by side")
    order = np.lexsort((coords[:, 0], coords[:, 1]))
    across, down = np.diff(coords[order].astype(np.int64), axis=0).T
    if ((across == 0) & (down == 0)).any():
        raise BadFeatureFileError("holds a tile twice: two have the same coordinates")
    overlaps = np.count_nonzero((down == 0) & (across < side - _ROUNDING_PX))
    if overlaps > _OVERLAPPING * len(coords):
        raise BadFeatureFileError(f"has tiles of {side:.4g} level-0 pixels that overlap; cut them side by side")


def _plan(contents: Contents, grid: TileGrid) -> dict[str, object]:
    """What `plan.json` says of tiles that were cut elsewhere."""
    return {
        "version": 1,
        "slide": {
            "width_px": contents.width_px,
            "height_px": contents.height_px,
            "mpp_x": grid.mpp,
            "mpp_y": grid.mpp,
            "mpp_source": "stated at the import",
        },
        "tile_px": grid.tile_px,
        "tile_um": grid.tile_um,
        "tile_width_px": grid.side_px,
        "tile_height_px": grid.side_px,
        "tiles": contents.tiles,
    }
