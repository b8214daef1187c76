"""Reads features, and coordinates where there are any, from a file of `torch.save`; no code in it is run."""

import zipfile
from pathlib import Path

from services.standalone.features.contents import Array, Contents, placed, tiles_and_dim
from services.standalone.features.errors import BadFeatureFileError, MissingTorchError, UnknownFeatureFileError
from services.standalone.features.tool import Tool

SUFFIX = ".pt"
_FEATURES, _COORDS = ("", "features", "feats"), "coords"
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
    named = _tensors(path)
    features = next((named[name] for name in _FEATURES if name in named), None)
    if features is None:
        raise UnknownFeatureFileError("holds no tensor of features")
    tiles, dim = tiles_and_dim(features.shape, features.dtype)
    rows = features.reshape(tiles, dim)
    coords = placed(named[_COORDS], tiles) if _COORDS in named else None
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


def _tensors(path: Path) -> dict[str, Array]:
    try:
        from services.trainer.tensor_file import load_tensors  # noqa: PLC0415 - torch is optional, and slow to load
    except ModuleNotFoundError as error:
        raise MissingTorchError("needs torch to be read, which is not installed") from error
    try:
        return load_tensors(path)
    except ValueError as error:
        raise UnknownFeatureFileError(str(error)) from error
