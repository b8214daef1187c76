"""Names of objects of a bucket on the command line, `s3://BUCKET/KEY`."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from services.trainer.errors import BadS3UriError
from shared.words import shown

_SCHEME = "s3:"


@dataclass(frozen=True, slots=True)
class S3Uri:
    """An object, or a folder of objects, of a bucket."""

    bucket: str
    key: str
    """Without slashes at its ends; empty for the whole bucket."""

    def __str__(self) -> str:
        return f"{_SCHEME}//{self.bucket}/{self.key}"

    @property
    def prefix(self) -> str:
        """With which the keys of the objects of this folder start."""
        return f"{self.key}/" if self.key else ""


def as_typed(path: Path) -> str:
    """A path, or the name of an object of a bucket, as it was given."""
    return str(s3_uri(path) or path)


def is_s3_uri(path: Path) -> bool:
    """Whether a path, in which double slashes are one, was given as `s3://…`."""
    return path.parts[:1] == (_SCHEME,)


def s3_uri(path: Path) -> S3Uri | None:
    """The objects that `s3://BUCKET/KEY` names; None for a path of this machine.

    Raises:
        BadS3UriError: it names no bucket.
    """
    if not is_s3_uri(path):
        return None
    if len(path.parts) == 1:
        raise BadS3UriError(f"{shown(str(path))} names no bucket")
    return S3Uri(path.parts[1], "/".join(path.parts[2:]))


def local_path(folder: Path, key: str) -> Path:
    """Where the copy of an object lies below `folder`.

    Raises:
        BadS3UriError: its key leads out of the folder.
    """
    if key.startswith("/") or ".." in PurePosixPath(key).parts:
        raise BadS3UriError(f"the key {shown(key)} leads out of the folder of copies")
    return folder / key
