"""Reads feature files as their writers write them.

TRIDENT: `trident/wsi_objects/WSI.py` and `trident/IO.py`; CLAM: `extract_features_fp.py` and
`wsi_core/WholeSlideImage.py`; STAMP: `stamp/preprocessing/__init__.py`, and `stamp/modeling/data.py` for older files.
"""

import re
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from services.standalone.features.contents import Array, Contents, placed, tiles_and_dim
from services.standalone.features.errors import BadFeatureFileError, UnknownFeatureFileError
from services.standalone.features.h5_file import Attributes, H5File, rows, whole
from services.standalone.features.tool import Tool, Unit
from shared.words import shown

_OF_FEATURES = ("encoder", "savetodir", "name")
_OF_COORDS = (
    *("patch_size", "patch_size_level0", "level0_magnification", "target_magnification", "overlap"),
    *("level0_width", "level0_height", "patch_level", "downsample", "level_dim"),
)
_OF_STAMP = ("extractor", "unit", "tile_size_um", "tile_size", "tile_size_px", "feat_type")
_MOST = 1e9
"""Larger numbers are no size in pixels, microns or magnifications."""
_HASH = re.compile(r"-[0-9a-fA-F]{6,}\Z")
"""What STAMP appends to the name of an extractor."""


def tool_of(file: H5File) -> Tool:
    """Which program wrote a file.

    Raises:
        UnknownFeatureFileError: none that is known, or it is not a file of features of tiles.
    """
    if not file.has("coords"):
        raise UnknownFeatureFileError("holds no coordinates of tiles")
    if file.has("feats"):
        return Tool.STAMP
    if not file.has("features"):
        raise UnknownFeatureFileError("holds coordinates alone: name the files with the features")
    by_trident = file.attributes(_OF_FEATURES, "features") or file.attributes(_OF_COORDS[1:5], "coords")
    return Tool.TRIDENT if by_trident else Tool.CLAM


def read_contents(file: H5File, tool: Tool) -> Contents:
    """Read a file as one that `tool` wrote; the features stay in the file until they are read.

    Raises:
        BadFeatureFileError: it is damaged, or its arrays do not fit each other.
        UnknownFeatureFileError: the tool writes no such file.
    """
    name = "feats" if tool is Tool.STAMP else "features"
    if not (file.has(name) and file.has("coords")):
        raise UnknownFeatureFileError(f"has no {name} and coords, which {tool.upper()} writes")
    features = file.array(name)
    tiles, dim = tiles_and_dim(features.shape, features.dtype)

    def read(start: int, stop: int) -> Array:
        return rows(features, start, stop)

    contents = Contents(tool, tiles, dim, str(features.dtype), read, coords_of(file, tiles))
    if tool is Tool.STAMP:
        return _stamp(file, contents)
    encoder = _text(file.attributes(_OF_FEATURES, "features"), "encoder")
    return with_cut(replace(contents, encoder=encoder), file)


def with_cut(contents: Contents, file: H5File) -> Contents:
    """The contents with what attributes of `coords` say of the tiles: TRIDENT's, or those of CLAM's patches."""
    stated = file.attributes(_OF_COORDS, "coords")
    patch, side = _number(stated, "patch_size"), _number(stated, "patch_size_level0")
    width, height = _size(stated)
    return replace(
        contents,
        unit=Unit.LEVEL0,
        tile_px=round(patch) if patch else None,
        side_px=side or (patch * _shrink(stated) if patch else None) or None,
        overlap_px=_number(stated, "overlap"),
        magnification=_number(stated, "level0_magnification"),
        width_px=width,
        height_px=height,
    )


def coords_of(file: H5File, tiles: int) -> npt.NDArray[np.float64]:
    """Coordinates [tiles, 2] of a file of patches."""
    return placed(whole(file.array("coords")), tiles)


def _stamp(file: H5File, contents: Contents) -> Contents:
    """Coordinates are microns where the file says so; those of STAMP 1 are pixels of the tile's resolution."""
    stated = file.attributes(_OF_STAMP)
    kind = _text(stated, "feat_type")
    if kind not in ("", "tile"):
        raise UnknownFeatureFileError(f"holds one vector of a {kind}, and no features of tiles")
    in_um = _text(stated, "unit") == "um" or _number(stated, "tile_size_um") > 0
    side = _number(stated, "tile_size_um") or (_number(stated, "tile_size") if in_um else 0)
    return replace(
        contents,
        unit=Unit.UM if in_um else None,
        encoder=_HASH.sub("", _text(stated, "extractor")),
        tile_px=round(_number(stated, "tile_size_px")) or None,
        tile_um=side or None,
    )


def _shrink(stated: Attributes) -> float:
    """Level-0 pixels to a pixel of a tile; 0 where the file does not say it."""
    source, target = _number(stated, "level0_magnification"), _number(stated, "target_magnification")
    if source and target:
        return source / target
    downsample = stated.get("downsample", 0)
    return _checked("downsample", downsample[0] if isinstance(downsample, tuple) and downsample else downsample)


def _size(stated: Attributes) -> tuple[int, int]:
    """Width and height of level 0; 0 where the file does not say it."""
    level = stated.get("level_dim")
    if isinstance(level, tuple) and len(level) == 2 and stated.get("patch_level") == 0:
        return round(_checked("level_dim", level[0])), round(_checked("level_dim", level[1]))
    return round(_number(stated, "level0_width")), round(_number(stated, "level0_height"))


def _number(stated: Attributes, name: str) -> float:
    return _checked(name, stated.get(name, 0))


def _checked(name: str, value: object) -> float:
    """A number below 1e9; 0 where the file does not say it.

    Raises:
        BadFeatureFileError: it says something else.
    """
    if value is None or value in ("", "None"):
        return 0.0
    if not isinstance(value, int | float) or not 0 <= value < _MOST:
        raise BadFeatureFileError(f"says that {name} is {shown(str(value))}, where a number above 0 belongs")
    return float(value)


def _text(stated: Attributes, name: str) -> str:
    """A text; empty for what is none, and for TRIDENT's None."""
    value = stated.get(name, "")
    return value if isinstance(value, str) and value != "None" else ""
