"""Reads features, and coordinates where there are any, from a file of `torch.save`; no code in it is run."""

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.standalone.features.contents import Array, Contents, placed, tiles_and_dim
from services.standalone.features.errors import BadFeatureFileError, MissingTorchError, UnknownFeatureFileError
from services.standalone.features.tool import Tool

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".pt"
_FEATURES, _COORDS = ("features", "feats"), "coords"
_LARGEST = 1 << 34
"""Bytes of all entries of a file."""


def read_pt(path: Path, tool: Tool | None) -> Contents:
    """Read a tensor of features, or a dictionary of features and `coords`; coordinates may be missing.

    Raises:
        MissingTorchError: torch is not installed.
        UnknownFeatureFileError: it holds something else.
        BadFeatureFileError: it is damaged.
    """
    _check_entries(path)
    stored = _loaded(path)
    named = stored if isinstance(stored, dict) else {_FEATURES[0]: stored}
    features = next((_array(named[name], name) for name in _FEATURES if name in named), None)
    if features is None:
        raise UnknownFeatureFileError("holds no tensor of features")
    tiles, dim = tiles_and_dim(features.shape, features.dtype)
    rows = features.reshape(tiles, dim)
    coords = placed(_array(named[_COORDS], _COORDS), tiles) if _COORDS in named else None
    return Contents(tool, tiles, dim, features.dtype.name, lambda start, stop: rows[start:stop], coords)


def _check_entries(path: Path) -> None:
    """Refuse what torch would unpack without bounds: it stores entries as they are."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile as error:
        raise UnknownFeatureFileError("is no file of torch.save, or of a torch older than 1.6") from error
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise BadFeatureFileError("has compressed entries, which torch does not write")
    if sum(entry.file_size for entry in entries) > _LARGEST:
        raise BadFeatureFileError(f"says that it holds more than {_LARGEST} bytes")


def _loaded(path: Path) -> object:
    try:
        import torch  # noqa: PLC0415 - an optional dependency, slow to load
    except ModuleNotFoundError as error:
        raise MissingTorchError("needs torch to be read, which is not installed") from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:
        raise UnknownFeatureFileError(f"holds more than tensors, or is damaged ({type(error).__name__})") from error


def _array(value: "Tensor | object", name: str) -> Array:
    """A dense tensor as an array; bfloat16, which numpy lacks, as float32."""
    import torch  # noqa: PLC0415 - loaded already

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or not value.is_contiguous():
        raise UnknownFeatureFileError(f"holds no dense tensor {name}")
    return np.asarray((value.float() if value.dtype == torch.bfloat16 else value).numpy())
