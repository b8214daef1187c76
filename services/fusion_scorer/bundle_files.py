"""The files of a bundle, wherever they lie: read, checked against bundle.json, signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from pydantic import ValidationError

from services.fusion_scorer.errors import BadBundleError
from services.fusion_scorer.manifest import MANIFEST, SIGNATURE, Manifest
from shared.blob.port import BlobStore
from shared.canonical import sha256
from shared.keys import bundle_prefix
from shared.units import Sha256


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
        """Every file's bytes by name, sub-folders as `folder/name`."""
        paths = (path for path in sorted(self.path.rglob("*")) if path.is_file())
        return {path.relative_to(self.path).as_posix(): path.read_bytes() for path in paths}


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
    """
    source = FolderFiles(source) if isinstance(source, Path) else source
    files, where = source.read(), source.where
    if MANIFEST not in files:
        raise BadBundleError(f"{where} holds no {MANIFEST}, so it is no bundle")
    if public_key is not None:
        _check_signature(files, public_key, where)
    manifest = _manifest(files[MANIFEST], where)
    _check_digests(manifest, files, where)
    return Checked(sha256(files[MANIFEST]), manifest, files, SIGNATURE in files)


def sign(folder: Path, private_key: bytes) -> None:
    """Write `signature` beside bundle.json: ed25519 over its bytes, in hex; `private_key` is PEM (PKCS#8).

    Raises:
        BadBundleError: the folder is no intact bundle, or the key is no ed25519 key.
    """
    checked = verify(folder)
    try:
        key = load_pem_private_key(private_key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadBundleError("the private key is no unencrypted PEM key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadBundleError("the private key is not of the kind ed25519")
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
    place = ".".join(str(part) for part in item["loc"])
    return f"{place}: {item['msg']}" if place else item["msg"]


def _check_digests(manifest: Manifest, files: Mapping[str, bytes], where: str) -> None:
    for name, digest in manifest.files.items():
        if name not in files:
            raise BadBundleError(f"{where} lacks {name}, which {MANIFEST} lists")
        if sha256(files[name]) != digest:
            raise BadBundleError(f"{name} of {where} was altered: its SHA-256 is not the one in {MANIFEST}")
    strangers = files.keys() - manifest.files.keys() - {MANIFEST, SIGNATURE}
    if strangers:
        raise BadBundleError(f"{where} holds {min(strangers)}, which {MANIFEST} does not list")


def _check_signature(files: Mapping[str, bytes], public_key: bytes, where: str) -> None:
    if SIGNATURE not in files:
        raise BadBundleError(f"{where} has no {SIGNATURE}, and this system asks for one")
    key = _public_key(public_key)
    try:
        key.verify(bytes.fromhex(files[SIGNATURE].decode("ascii").strip()), files[MANIFEST])
    except (InvalidSignature, ValueError) as error:
        raise BadBundleError(
            f"{SIGNATURE} of {where} does not fit {MANIFEST}: one of the two was altered, or another key signed"
        ) from error


def _public_key(data: bytes) -> Ed25519PublicKey:
    try:
        key = Ed25519PublicKey.from_public_bytes(data) if len(data) == 32 else load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadBundleError("the public key for bundles is neither PEM nor 32 raw bytes") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadBundleError("the public key for bundles is not of the kind ed25519")
    return key
