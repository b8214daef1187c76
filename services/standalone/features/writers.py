"""Feature files as TRIDENT, CLAM and STAMP write them: names, types, chunks and attributes of their own code.

TRIDENT: `save_h5` and `coords_to_h5` in `trident/IO.py`, `extract_patch_features` in `trident/wsi_objects/WSI.py`;
CLAM: `compute_w_loader` in `extract_features_fp.py`, `process_contour` in `wsi_core/WholeSlideImage.py`;
STAMP: `extract_` in `stamp/preprocessing/__init__.py`.
"""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from services.standalone.features.exported_bag import ExportedBag
from services.standalone.features.tool import Tool
from shared.files import put

_CLAM_CHUNK = 32
_STAMP_FORM = "2.1.0"
"""The first version of STAMP with this form; a STAMP refuses files of newer versions than its own."""
_POWER = 10.0
"""Magnification times microns per pixel, by which TRIDENT turns one into the other."""

Attributes = Mapping[str, str | int | float | tuple[float, ...]]


def write_features(bag: ExportedBag, tool: Tool, out: Path) -> Path:
    """Write the file of one slide below `out`; returns the path of its features."""
    return {Tool.TRIDENT: _trident, Tool.CLAM: _clam, Tool.STAMP: _stamp}[tool](bag, out)


def _trident(bag: ExportedBag, out: Path) -> Path:
    target = _POWER * bag.tile_px / bag.tile_um
    folder = out / f"{target:g}x_{bag.tile_px}px_0px_overlap" / f"features_{bag.encoder}"
    of_coords: Attributes = {
        "patch_size": bag.tile_px,
        "patch_size_level0": bag.side_px,
        "level0_magnification": _POWER / bag.mpp,
        "target_magnification": target,
        "overlap": 0,
        "name": bag.name,
        "savetodir": str(folder.parent),
        "level0_width": bag.width_px,
        "level0_height": bag.height_px,
    }
    of_features: Attributes = {"name": bag.name, "savetodir": str(folder), "encoder": bag.encoder}

    def fill(file: h5py.File) -> None:
        _rows(file, "features", bag.features.astype(np.float32), 1, of_features)
        _rows(file, "coords", bag.coords.astype(np.int64), 1, of_coords)

    return _write(folder / f"{bag.name}.h5", fill)


def _clam(bag: ExportedBag, out: Path) -> Path:
    """Features in `h5_files/`, and in `patches/` the file from which CLAM knows the size of tiles."""
    size = float(bag.width_px), float(bag.height_px)
    of_coords: Attributes = {
        "patch_size": bag.side_px,
        "patch_level": 0,
        "downsample": (1.0, 1.0),
        "downsampled_level_dim": size,
        "level_dim": size,
        "name": bag.name,
        "save_path": str(out / "patches"),
    }

    def fill(file: h5py.File) -> None:
        _rows(file, "features", bag.features.astype(np.float32), _CLAM_CHUNK)
        _rows(file, "coords", bag.coords, _CLAM_CHUNK)

    def fill_patches(file: h5py.File) -> None:
        _rows(file, "coords", bag.coords.astype(np.int64), 1, of_coords)

    _write(out / "patches" / f"{bag.name}.h5", fill_patches)
    return _write(out / "h5_files" / f"{bag.name}.h5", fill)


def _stamp(bag: ExportedBag, out: Path) -> Path:
    def fill(file: h5py.File) -> None:
        file["coords"] = (bag.coords * bag.mpp).astype(np.float32)
        file["feats"] = bag.features
        stated: Attributes = {
            "stamp_version": _STAMP_FORM,
            "extractor": bag.encoder,
            "unit": "um",
            "tile_size_um": bag.tile_um,
            "tile_size_px": bag.tile_px,
            "code_hash": "",
            "feat_type": "tile",
        }
        file.attrs.update(stated)

    return _write(out / bag.encoder / f"{bag.name}.h5", fill)


def _rows(
    file: h5py.File, name: str, values: npt.NDArray[np.generic], chunk: int, attributes: Attributes | None = None
) -> None:
    """A dataset that can grow, as TRIDENT and CLAM write it batch by batch."""
    shape = values.shape[1:]
    dataset = file.create_dataset(name, values.shape, values.dtype, maxshape=(None, *shape), chunks=(chunk, *shape))
    dataset[:] = values
    dataset.attrs.update(attributes or {})


def _write(path: Path, fill: Callable[[h5py.File], None]) -> Path:
    """A file that is there whole or not at all."""
    data = io.BytesIO()
    with h5py.File(data, "w") as file:
        fill(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    put(path, data.getvalue())
    return path
