"""The files of a bundle, wherever they lie: read, checked against bundle.json, signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from pydantic import ValidationError

from services.fusion_scorer.errors import BadBundleError, BadSignatureError
from services.fusion_scorer.manifest import Manifest
from shared import bundles
from shared.blob.port import BlobStore
from shared.bundles import MANIFEST, SIGNATURE
from shared.canonical import sha256
from shared.keys import bundle_prefix
from shared.units import Sha256

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
        """Every file's bytes by name, sub-folders as `folder/name`; empty where there is no bundle.json."""
        return bundles.folder_files(self.path)


@dataclass(frozen=True)
class StoredFiles:
    """A bundle in the object store."""

    store: BlobStore
    digest: Sha256

    @property
    def where(self) -> str:
        """The prefix in the store."""
        return bundle_prefix(self.digest)

    def read(self) -> Mapping[str, bytes]:
        """Every object's bytes by its name below the prefix."""
        prefix = self.where
        return {info.key.removeprefix(prefix): self.store.get(info.key) for info in self.store.list(prefix)}


@dataclass(frozen=True)
class Checked:
    """A bundle whose every file is the one that bundle.json lists."""

    digest: Sha256
    manifest: Manifest
    files: Mapping[str, bytes]
    signed: bool


def verify(source: Files | Path, public_key: bytes | None = None) -> Checked:
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
    if wrong := bundles.fault(manifest.files, files, where):
        raise BadBundleError(wrong)
    return Checked(sha256(files[MANIFEST]), manifest, files, SIGNATURE in files)


def sign(folder: Path, private_key: bytes) -> None:
    """Write `signature` beside bundle.json: ed25519 over its bytes, in hex; `private_key` is PEM (PKCS#8).

    Raises:
        BadBundleError: the folder is no intact bundle.
        BadKeyError: the key is no ed25519 key.
    """
    checked = verify(folder)
    key = bundles.private_key(private_key)
    _write(folder / SIGNATURE, key.sign(checked.files[MANIFEST]).hex() + "\n")


def _write(path: Path, text: str) -> None:
    """All of it or nothing: whoever loads the bundle meanwhile sees no half of a signature."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_text(text)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _manifest(data: bytes, where: str) -> Manifest:
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        raise BadBundleError(f"{MANIFEST} of {where} is not understood: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """The first of pydantic's findings as `place: what`, without the value."""
    item = error.errors()[0]
    place, message = ".".join(str(part) for part in item["loc"])[:_SHOWN], item["msg"][:_SHOWN]
    return f"{place}: {message}" if place else message


def _check_signature(files: Mapping[str, bytes], public_key: bytes, where: str) -> None:
    key = bundles.public_key(public_key)
    if SIGNATURE not in files:
        raise BadSignatureError(f"{where} has no {SIGNATURE}, and one is asked for")
    try:
        key.verify(bytes.fromhex(files[SIGNATURE].decode("ascii").strip()), files[MANIFEST])
    except (InvalidSignature, ValueError) as error:
        raise BadSignatureError(
            f"{SIGNATURE} of {where} does not fit {MANIFEST} and the key: another key signed, or one was altered"
        ) from error
