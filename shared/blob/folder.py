"""A folder as object store, for the laptop: keys are paths below a root."""

import errno
import fcntl
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from shared.blob.port import BlobInfo, NoObjectError, ObjectChangedError, is_named
from shared.errors import PermanentError, TransientError

_UNFINISHED = ".unfinished"
"""Folder below the root for files being written; no key leads there."""
_LEFT_BEHIND_S = 86_400


class UnsafeKeyError(PermanentError):
    """A key cannot be a path below the store's root."""

    reason = "bad_case_id"
    advice = "Use a key of plain folder and file names, without empty parts, `.`, `..` or a leading slash."


class FolderStore:
    """Files below `root`; several processes may share it. Symbolic links that its owner made are followed.

    A version is identified by inode, size, mtime and ctime, never by which time is newer, so a file that is restored
    with an older date is a new version. Unlike in S3, `a` and `a/b` cannot both be objects.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        _forget(root / _UNFINISHED)

    def head(self, key: str) -> BlobInfo | None:
        """Describe the object, or None where there is none."""
        path = self._path(key)
        with _disk_errors(key):
            return _described(key, path.stat()) if path.is_file() else None

    def get(self, key: str) -> bytes:
        """Read a whole object."""
        path = self._path(key)
        try:
            with _disk_errors(key):
                return path.read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NoObjectError(f"there is no object {key!r}") from None

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        """Read bytes [start, end) of exactly the version that `info` describes."""
        try:
            with _disk_errors(info.key), self._path(info.key).open("rb") as file:
                data = _read(file.fileno(), start, min(end, info.size))
                unchanged = _etag(os.fstat(file.fileno())) == info.etag
        except FileNotFoundError:
            unchanged = False
        if not unchanged:
            raise ObjectChangedError(f"object {info.key!r} was overwritten or deleted while it was read")
        return data

    def put_new(self, key: str, data: bytes) -> bool:
        """Write an object that must not exist yet, atomically; False, and nothing written, where it does."""
        if self.head(key):
            return False
        return self._write(key, data, _link) is not None

    def put(self, key: str, data: bytes) -> BlobInfo:
        """Write or replace an object, atomically."""
        info = self._write(key, data, self._replace)
        if info is None:
            raise UnsafeKeyError(f"key {key!r} is a folder of other objects")
        return info

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        """Write over the version that `info` describes, atomically; None, and nothing written, where it is gone."""
        if self.head(info.key) is None:
            return None
        return self._write(info.key, data, lambda unfinished, path: self._replace(unfinished, path, info.etag))

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        """Every object whose key starts with `prefix`, in key order."""
        with _disk_errors(prefix):
            for key, path in _walk(self._root, "", prefix):
                if info := _listed(key, path):
                    yield info

    def delete(self, key: str) -> None:
        """Remove the object; fine where there is none."""
        path = self._path(key)
        with _disk_errors(key), suppress(FileNotFoundError, NotADirectoryError), self._locked():
            path.unlink()

    def erase(self, name: str) -> int:
        """Remove a file, or all below a `name` that ends in a slash, and the folders that are empty then."""
        with _disk_errors(name):
            files = [path for key, path in _walk(self._root, "", name) if is_named(key, name)]
            for path in files:
                with self._locked():
                    path.unlink(missing_ok=True)
            folders = {path.parent for path in files} | {self._root / name}
            for folder in sorted(folders, reverse=True):
                _remove_empty(folder, self._root)
        return len(files)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(name in {"", ".", ".."} or "\0" in name for name in parts) or parts[0] == _UNFINISHED:
            raise UnsafeKeyError(f"key {key!r} does not name a file inside the store")
        return self._root.joinpath(*parts)

    def _write(self, key: str, data: bytes, publish: Callable[[Path, Path], bool]) -> BlobInfo | None:
        path, unfinished = self._path(key), self._root / _UNFINISHED / secrets.token_hex(16)
        with _disk_errors(key):
            _make_folder(key, path.parent)
            unfinished.parent.mkdir(exist_ok=True)
            try:
                with unfinished.open("xb") as file:
                    _write_durably(file, data)
                    published = _published(key, unfinished, path, publish)
                    unfinished.unlink(missing_ok=True)
                    return _described(key, os.fstat(file.fileno())) if published else None
            finally:
                unfinished.unlink(missing_ok=True)

    def _replace(self, unfinished: Path, path: Path, etag: str | None = None) -> bool:
        """Move a file over the version `etag`, or over any; False where that is gone or a folder."""
        with suppress(IsADirectoryError), self._locked():
            if etag is None or (path.is_file() and _etag(path.stat()) == etag):
                unfinished.replace(path)
                return True
        return False

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep others, also of other processes, from replacing and removing files."""
        root = os.open(self._root, os.O_RDONLY)
        try:
            fcntl.flock(root, fcntl.LOCK_EX)
            yield
        finally:
            os.close(root)


def _forget(unfinished: Path) -> None:
    """Remove what a crash left; younger files may still be written by another process."""
    with suppress(FileNotFoundError):
        for path in unfinished.iterdir():
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND_S:
                path.unlink()


def _remove_empty(folder: Path, root: Path) -> None:
    """Remove a folder and those above it, up to the store's top folders, as long as they are empty."""
    while folder.parent not in {root, folder}:
        try:
            folder.unlink() if folder.is_symlink() else folder.rmdir()
        except OSError:
            return
        folder = folder.parent


def _make_folder(key: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UnsafeKeyError(f"key {key!r} needs a folder at the path of another object") from None


def _published(key: str, unfinished: Path, path: Path, publish: Callable[[Path, Path], bool]) -> bool:
    try:
        return publish(unfinished, path)
    except FileNotFoundError:  # an erasure removed the folder, which was still empty
        _make_folder(key, path.parent)
        return publish(unfinished, path)


def _link(unfinished: Path, path: Path) -> bool:
    with suppress(FileExistsError):
        os.link(unfinished, path)
        return True
    return False


def _described(key: str, stat: os.stat_result) -> BlobInfo:
    return BlobInfo(key, stat.st_size, _etag(stat), datetime.fromtimestamp(stat.st_mtime, UTC))


def _listed(key: str, path: Path) -> BlobInfo | None:
    """A file of a listing; None for dangling or circular links and for files deleted meanwhile."""
    try:
        return _described(key, path.stat())
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ELOOP}:
            return None
        raise


def _etag(stat: os.stat_result) -> str:
    return f"{stat.st_ino:x}-{stat.st_mtime_ns:x}-{stat.st_ctime_ns:x}-{stat.st_size:x}"


def _read(file: int, start: int, end: int) -> bytes:
    parts = []
    while start < end and (chunk := os.pread(file, end - start, start)):
        parts.append(chunk)
        start += len(chunk)
    return b"".join(parts)


def _write_durably(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def _walk(folder: Path, below: str, prefix: str) -> Iterator[tuple[str, Path]]:
    """Files as (key, path) in key order: a folder sorts as if its name ended in a slash."""
    for path in _sorted_entries(folder, top=not below):
        key = below + path.name
        if path.is_dir():
            inside = f"{key}/"
            if prefix.startswith(inside):
                yield from _walk(path, inside, prefix)
            elif inside.startswith(prefix) and not _leads_up(path):
                with suppress(PermissionError):  # only a listing of this very folder raises
                    yield from _walk(path, inside, prefix)
        elif key.startswith(prefix):
            yield key, path


def _leads_up(path: Path) -> bool:
    """Whether a folder is a link to one of its own parents."""
    return path.is_symlink() and path.parent.resolve().is_relative_to(path.resolve())


def _sorted_entries(folder: Path, *, top: bool) -> list[Path]:
    try:
        entries = [path for path in folder.iterdir() if not (top and path.name == _UNFINISHED)]
    except FileNotFoundError:
        return []
    return sorted(entries, key=lambda path: path.name + "/" if path.is_dir() else path.name)


@contextmanager
def _disk_errors(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError):
        raise
    except OSError as error:
        raise TransientError(f"the folder store cannot reach {key!r}: {error.strerror}") from error
