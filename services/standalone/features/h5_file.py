"""Reads named arrays and attributes of an HDF5 file within bounds; links, foreign filters and bombs are refused."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from services.standalone.features.contents import Array
from services.standalone.features.errors import BadFeatureFileError, UnknownFeatureFileError

Attribute = str | int | float | tuple[float, ...]
Attributes = Mapping[str, Attribute]

_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
"""Those that h5py brings; any other would load a plugin."""
_MOST_VALUES = 1 << 31
"""Of one array: 4 GiB as float16."""
_SMALL, _LARGEST_CHUNK = 1 << 26, 1 << 26
"""Bytes of an array that may be compressed without limit, and of a chunk."""
_MOST_COMPRESSED = 100
"""Times that an array may be larger than what is stored of it."""
_MOST_ATTRIBUTE = 4096
_FAULTS = (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError)
"""What h5py raises on a damaged file."""


@dataclass(frozen=True)
class H5File:
    """An open file; names are of its root group."""

    file: h5py.File

    def has(self, name: str) -> bool:
        """Whether there is an array of this name in the file itself."""
        with _damage():
            return name in self.file and isinstance(self.file.get(name, getlink=True), h5py.HardLink)

    def array(self, name: str) -> h5py.Dataset:
        """An array that can be read within bounds.

        Raises:
            BadFeatureFileError: it lies elsewhere, is larger than what is stored of it, or too large.
            UnknownFeatureFileError: it is no array of numbers, or needs a filter that h5py does not bring.
        """
        with _damage():
            link = self.file.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise BadFeatureFileError(f"{name} is a link to another place, which is not followed")
            dataset = self.file[name]
            if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" or dataset.shape is None:
                raise UnknownFeatureFileError(f"{name} is no array of numbers")
            _check_storage(name, dataset)
        return dataset

    def attributes(self, names: Collection[str], array: str = "/") -> Attributes:
        """Of these attributes of an array, or of the file, those that are a short text or a few numbers."""
        with _damage():
            owner = self.file[array]
            read = {name: _attribute(owner, name) for name in names if name in owner.attrs}
        return {name: value for name, value in read.items() if value is not None}


@contextmanager
def open_h5(path: Path) -> Iterator[H5File]:
    """Open a file.

    Raises:
        OSError: it is not there, or may not be read.
        BadFeatureFileError: it is no HDF5 file, or is damaged.
    """
    path.open("rb").close()
    with _damage("is no HDF5 file, or is damaged"):
        file = h5py.File(path, "r", locking=False)
    with file:
        yield H5File(file)


def rows(dataset: h5py.Dataset, start: int, stop: int) -> Array:
    """Rows of an array of two axes, or of three of which the first is one.

    Raises:
        BadFeatureFileError: they cannot be read.
    """
    with _damage("cannot be read to its end: it is damaged or cut short"):
        read = dataset[0, start:stop] if dataset.ndim == 3 else dataset[start:stop]
    return np.asarray(read)


def whole(dataset: h5py.Dataset) -> Array:
    """All of an array.

    Raises:
        BadFeatureFileError: it cannot be read.
    """
    with _damage("cannot be read to its end: it is damaged or cut short"):
        return np.asarray(dataset[()])


@contextmanager
def _damage(sentence: str = "is damaged") -> Iterator[None]:
    try:
        yield
    except _FAULTS as error:
        raise BadFeatureFileError(sentence) from error


def _check_storage(name: str, dataset: h5py.Dataset) -> None:
    """Refuse an array whose reading would leave the file or take more memory than its contents justify."""
    plist = dataset.id.get_create_plist()
    if dataset.is_virtual or plist.get_external_count():
        raise BadFeatureFileError(f"{name} lies in other files, which are not read")
    filters = {plist.get_filter(number)[0] for number in range(plist.get_nfilters())}
    if not filters <= _FILTERS:
        raise UnknownFeatureFileError(f"{name} is compressed by a filter that is not read; allowed are gzip and lzf")
    stored, size = dataset.id.get_storage_size(), dataset.size * dataset.dtype.itemsize
    chunk = int(np.prod(dataset.chunks or (0,), dtype=np.float64)) * dataset.dtype.itemsize
    if dataset.size > _MOST_VALUES or chunk > _LARGEST_CHUNK:
        raise BadFeatureFileError(f"{name} says that it has the shape {dataset.shape}, more than is read")
    if stored < size and not filters:
        raise BadFeatureFileError(f"{name} is cut short: {stored} of {size} bytes are stored")
    if size > max(_SMALL, _MOST_COMPRESSED * stored):
        raise BadFeatureFileError(f"{name} would grow from {stored} to {size} bytes")


def _attribute(owner: h5py.Dataset | h5py.Group, name: str) -> Attribute | None:
    stored = h5py.h5a.open(owner.id, name.encode())
    if stored.get_storage_size() > _MOST_ATTRIBUTE or len(stored.shape) > 1:
        return None
    value = owner.attrs[name]
    if isinstance(value, bytes | str):
        return value.decode(errors="replace") if isinstance(value, bytes) else value
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "fiu" or numbers.size > 4:
        return None
    if numbers.ndim:
        return tuple(float(number) for number in numbers)
    return int(numbers) if numbers.dtype.kind in "iu" else float(numbers)
