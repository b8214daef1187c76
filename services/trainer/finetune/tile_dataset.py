"""Training data of an encoder: tiles as files with their patients, and labelled tiles read from a folder."""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from services.trainer.errors import BadTilesError
from shared.arrays import Ints
from shared.canonical import digest_of
from shared.progress import Advance

Pixels = npt.NDArray[np.uint8]
SUFFIXES = (".png", ".jpg", ".jpeg")
BETWEEN = "__"
_NAMED = 3
"""Files that an error names; of the others it says how many they are."""
_LARGEST = 16384


@dataclass(frozen=True, slots=True)
class Item:
    """What has one target: a labelled tile, or the tiles of a patient of known outcome."""

    patient: str
    files: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Tiles with the place of each one's class."""

    items: tuple[Item, ...]
    label: Ints
    classes: tuple[str, ...]
    digest: str
    """SHA-256 over names and bytes of all files."""


@dataclass(frozen=True, eq=False)
class UnlabelledTiles:
    """Tiles whose patients alone are known."""

    items: tuple[Item, ...]
    digest: str
    """SHA-256 over names and bytes of all files."""


def read_labelled(folder: Path, advance: Advance = lambda *_: None) -> Labelled:
    """Read and check every tile of `folder`/{class}/{patient}__*.png.

    Raises:
        BadTilesError: there are fewer than two classes, a name without patient, tiles that cannot be read or of
            several sizes.
    """
    classes = _classes(folder)
    tiles = [(label, path) for label, name in enumerate(classes) for path in _pictures(folder / name)]
    items, digest = _checked(folder, [path for _, path in tiles], advance)
    return Labelled(items, np.array([label for label, _ in tiles], np.int64), classes, digest)


def read_unlabelled(folder: Path, advance: Advance = lambda *_: None) -> UnlabelledTiles:
    """Read and check every tile of `folder`/{patient}__*.png.

    Raises:
        BadTilesError: there are none, a name is without patient, tiles cannot be read or have several sizes.
    """
    paths = _pictures(folder) if folder.is_dir() else []
    if not paths:
        raise BadTilesError(f"{folder} holds no tiles ({', '.join(SUFFIXES)})")
    return UnlabelledTiles(*_checked(folder, paths, advance))


def _checked(folder: Path, paths: Sequence[Path], advance: Advance) -> tuple[tuple[Item, ...], str]:
    """Tiles as items, and the SHA-256 over names and bytes."""
    _refuse_nameless(paths)
    with ThreadPoolExecutor() as pool:
        seen = [_counted(file, i + 1, len(paths), advance) for i, file in enumerate(pool.map(_look, paths))]
    _refuse_unreadable([tile for tile in seen if tile.fault])
    _refuse_sizes(seen)
    items = tuple(Item(path.name.split(BETWEEN)[0], (path,)) for path in paths)
    return items, digest_of([[str(tile.path.relative_to(folder)), tile.digest] for tile in seen])


def decode(path: Path, px: int) -> Pixels:
    """A tile as uint8 [px, px, 3], resized with antialiasing where it has another size.

    Raises:
        BadTilesError: it cannot be read (any more).
    """
    try:
        with Image.open(path) as image:
            same = image.convert("RGB")
            return np.asarray(same if same.size == (px, px) else same.resize((px, px), Image.Resampling.BILINEAR))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadTilesError(f"tile {path} cannot be read: {error}") from error


@dataclass(frozen=True, slots=True)
class _Seen:
    path: Path
    digest: str = ""
    size: tuple[int, int] = (0, 0)
    fault: str = ""


def _look(path: Path) -> _Seen:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        with Image.open(path) as image:
            size = image.size
            if max(size) > _LARGEST:
                return _Seen(path, fault=f"{size[0]} x {size[1]} px are no tile")
            image.load()
    except UnidentifiedImageError:
        return _Seen(path, fault="no picture")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return _Seen(path, fault=str(error))
    return _Seen(path, digest, size)


def _counted(seen: _Seen, done: int, total: int, advance: Advance) -> _Seen:
    advance(done, total)
    return seen


def _classes(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise BadTilesError(f"{folder} is no folder")
    classes = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and _pictures(path)))
    if not classes:
        raise BadTilesError(f"{folder} holds no folder of a class with tiles ({', '.join(SUFFIXES)}) in it")
    if len(classes) == 1:
        raise BadTilesError(f"{folder} holds one class, {classes[0]}, and two are needed to tell anything apart")
    return classes


def _pictures(folder: Path) -> list[Path]:
    inside = (path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and not path.name.startswith("."))
    return sorted(path for path in inside if path.is_file())


def _refuse_nameless(paths: Sequence[Path]) -> None:
    nameless = [path for path in paths if not path.name.partition(BETWEEN)[0] or BETWEEN not in path.name]
    if nameless:
        raise BadTilesError(f"{_named_paths(nameless)}: the name does not begin with a patient and two underscores")


def _refuse_unreadable(seen: Sequence[_Seen]) -> None:
    if seen:
        raise BadTilesError(f"{_named_paths([tile.path for tile in seen])} cannot be read: {seen[0].fault}")


def _refuse_sizes(seen: Sequence[_Seen]) -> None:
    """Tiles of another size mostly cover another area of tissue, which is not stated."""
    first = seen[0]
    others = [tile for tile in seen if tile.size != first.size]
    if others:
        raise BadTilesError(
            f"tiles differ in size: {first.path} has {first.size[0]} x {first.size[1]} px, "
            f"{_named_paths([tile.path for tile in others])} {others[0].size[0]} x {others[0].size[1]}"
        )
    if first.size[0] != first.size[1]:
        raise BadTilesError(f"tiles must be square; {first.path} has {first.size[0]} x {first.size[1]} px")


def _named_paths(paths: Sequence[Path]) -> str:
    named = ", ".join(str(path) for path in paths[:_NAMED])
    return f"{named} and {len(paths) - _NAMED} more" if len(paths) > _NAMED else named
