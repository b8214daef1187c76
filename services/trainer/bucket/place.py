"""Names of objects of a bucket on the command line, `s3://BUCKET/KEY`."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services.trainer.errors import BadPlaceError
from shared.words import shown

_SCHEME = "s3:"


@dataclass(frozen=True, slots=True)
class Place:
    """An object, or a folder of objects, of a bucket."""

    bucket: str
    key: str
    """Without slashes at its ends; empty for the whole bucket."""

    def __str__(self) -> str:
        return f"{_SCHEME}//{self.bucket}/{self.key}"


def as_typed(path: Path) -> str:
    """A path, or the name of a place of a bucket, as it was given."""
    return str(place(path) or path)


def place(path: Path) -> Place | None:
    """The place that `s3://BUCKET/KEY` names, which as a path has one slash only; None for a path of this machine.

    Raises:
        BadPlaceError: it names no bucket.
    """
    if not path.parts or path.parts[0] != _SCHEME:
        return None
    if len(path.parts) == 1:
        raise BadPlaceError(f"{shown(str(path))} names no bucket")
    return Place(path.parts[1], "/".join(path.parts[2:]))


def local_path(folder: Path, key: str) -> Path:
    """Where the copy of an object lies below `folder`.

    Raises:
        BadPlaceError: its key leads out of the folder.
    """
    if key.startswith("/") or ".." in PurePosixPath(key).parts:
        raise BadPlaceError(f"the key {shown(key)} leads out of the folder of copies")
    return folder / key
