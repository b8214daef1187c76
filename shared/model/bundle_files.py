"""The files of a bundle, wherever they are stored: read, checked against bundle.json, signed."""

import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pydantic import ValidationError

from shared.bounded_file import open_plain
from shared.canonical import sha256
from shared.json_objects import JsonObjectError, read_object
from shared.model import signature
from shared.model.errors import BadBundleError, BadSignatureError
from shared.model.file_limits import MAX_FILE_BYTES, MAX_JSON_BYTES, MAX_JSON_NAMES, check_sizes
from shared.model.manifest import MANIFEST, Manifest
from shared.model.signature import SIGNATURE, is_signature, signature_of
from shared.units import Sha256
from shared.words import shown

_NOT_PLAIN = "which is a link, a folder, a pipe or a device, and a bundle has plain files only"
_SHOWN = 200
"""Characters of a place or a message that are shown: both may repeat what the file holds."""


class Files(Protocol):
    """A folder of files by plain name."""

    @property
    def where(self) -> str:
        """The place, for messages."""

    def read(self) -> Mapping[str, bytes]:
        """Every file's bytes by name; empty where there is no such folder."""


@dataclass(frozen=True)
class FolderFiles:
    """A bundle in a folder of this machine."""

    path: Path

    @property
    def where(self) -> str:
        """The folder's path."""
        return str(self.path)

    def read(self) -> Mapping[str, bytes]:
        """Every file's bytes by name; empty where there is no bundle.json.

        Raises:
            BadBundleError: one is no plain file, or they exceed the limits of a bundle.
        """
        if not (self.path / MANIFEST).is_file():
            return {}
        check_sizes(self._sizes(), self.where)
        return {path.name: self._bytes(path) for path in sorted(self.path.iterdir())}

    def _sizes(self) -> Iterator[tuple[str, int]]:
        for path in self.path.iterdir():
            facts = path.lstat()
            if not stat.S_ISREG(facts.st_mode):
                raise BadBundleError(f"{self.where} holds {shown(path.name)}, {_NOT_PLAIN}")
            yield path.name, facts.st_size

    def _bytes(self, path: Path) -> bytes:
        """The bytes of a file, which may have been replaced since its size was checked."""
        with open_plain(path) as file:
            data = file.read(MAX_FILE_BYTES + 1)
        check_sizes([(path.name, len(data))], self.where)
        return data


@dataclass(frozen=True)
class VerifiedFiles:
    """Files that all have the SHA-256 that bundle.json lists."""

    digest: Sha256
    manifest: Manifest
    files: Mapping[str, bytes]
    signed: bool


def verify(source: Files | Path, public_key: bytes | None = None) -> VerifiedFiles:
    """Check every digest and, where `public_key` (ed25519, PEM or 32 raw bytes) is given, the signature.

    Raises:
        BadBundleError: naming the first file at fault.
        BadKeyError: the public key is none.
    """
    source = FolderFiles(source) if isinstance(source, Path) else source
    files, where = source.read(), source.where
    if MANIFEST not in files:
        raise BadBundleError(f"{where} holds no {MANIFEST}, so it is no bundle")
    if public_key is not None:
        _check_signature(files, public_key, where)
    manifest = _manifest(files[MANIFEST], where)
    if wrong := _fault(manifest.files, files, where):
        raise BadBundleError(wrong)
    _check_json(files, manifest.name)
    return VerifiedFiles(sha256(files[MANIFEST]), manifest, files, SIGNATURE in files)


def sign(folder: Path, private_key: bytes) -> None:
    """Write `signature` beside bundle.json: ed25519 over its bytes, in hex; `private_key` is PEM (PKCS#8).

    Raises:
        BadBundleError: the folder is no intact bundle.
        BadKeyError: the key is no ed25519 key.
    """
    checked = verify(folder)
    key = signature.private_key(private_key)
    _write(folder / SIGNATURE, signature_of(checked.files[MANIFEST], key))


def _write(path: Path, data: bytes) -> None:
    """Write all or nothing, so that nobody reads half of a signature."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _manifest(data: bytes, where: str) -> Manifest:
    _check_object(data, f"{MANIFEST} of {where}")
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise BadBundleError(f"{MANIFEST} of {where} is not understood: {first_problem(error)}") from error


def _check_json(files: Mapping[str, bytes], bundle: str) -> None:
    for name in sorted(files):
        if name.endswith(".json"):
            _check_object(files[name], f"{name} of bundle {bundle}")


def _check_object(data: bytes, name: str) -> None:
    """Refuse JSON that readers may understand differently, such as a name that occurs twice."""
    try:
        read_object(data, MAX_JSON_NAMES, MAX_JSON_BYTES)
    except JsonObjectError as error:
        raise BadBundleError(f"{name} is not understood: it {error}") from None


def first_problem(error: ValidationError) -> str:
    """The first of pydantic's findings as `place: what`, without the value."""
    item = error.errors()[0]
    place, message = ".".join(str(step) for step in item["loc"])[:_SHOWN], item["msg"][:_SHOWN]
    return f"{place}: {message}" if place else message


def _check_signature(files: Mapping[str, bytes], public_key: bytes, where: str) -> None:
    keys = signature.public_keys(public_key)
    if SIGNATURE not in files:
        raise BadSignatureError(f"{where} has no {SIGNATURE}, and one is asked for")
    if not is_signature(files[SIGNATURE], files[MANIFEST], keys):
        raise BadSignatureError(
            f"{SIGNATURE} of {where} does not fit {MANIFEST} and the key: another key signed, or one was altered"
        )


def _fault(listed: Mapping[str, str], files: Mapping[str, bytes], where: str) -> str | None:
    """The first file that differs from the SHA-256 `listed` in bundle.json, in a sentence; None if there is none."""
    for name, digest in listed.items():
        if name not in files:
            return f"{where} lacks {name}, which {MANIFEST} lists"
        if sha256(files[name]) != digest:
            return f"{name} of {where} was altered: its SHA-256 is not the one in {MANIFEST}"
    unlisted = files.keys() - listed.keys() - {MANIFEST, SIGNATURE}
    return f"{where} holds {min(unlisted)}, which {MANIFEST} does not list" if unlisted else None
