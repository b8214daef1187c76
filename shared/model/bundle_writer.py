"""Writes a bundle's folder, whole or not at all: canonical JSON, digests in bundle.json, an ed25519 signature."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.canonical import canonical_json, sha256
from shared.model import signature
from shared.model.errors import BadTargetError
from shared.model.manifest import MANIFEST
from shared.model.signature import SIGNATURE, signature_of
from shared.notice import NOTICE


def write_bundle(folder: Path, files: Mapping[str, Any], facts: Mapping[str, Any], key: bytes | None) -> str:
    """Write files (bytes as they are, all else as JSON) and a bundle.json about them; gives the bundle's digest.

    Raises:
        BadTargetError: the folder holds something that is no bundle.
        BadKeyError: the key is no ed25519 key.
    """
    private = check_target(folder, key)
    content = {name: item if isinstance(item, bytes) else canonical_json(item) + b"\n" for name, item in files.items()}
    listed = {name: sha256(data) for name, data in content.items()}
    manifest = canonical_json({"version": 1, "notice": NOTICE, "files": listed, **facts}) + b"\n"
    content[MANIFEST] = manifest
    if private:
        content[SIGNATURE] = signature_of(manifest, private)
    _put(folder, content)
    return sha256(manifest)


def check_target(folder: Path, key: bytes | None) -> Ed25519PrivateKey | None:
    """Refuse what could not be written in the end, before hours of work; gives the key to sign with, if any.

    Raises:
        BadTargetError, BadKeyError: as in `write_bundle`.
    """
    private = signature.private_key(key) if key is not None else None
    if folder.exists() and not folder.is_dir():
        raise BadTargetError(f"{folder} is no folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).exists():
        raise BadTargetError(f"{folder} holds files and is no bundle, so it is not replaced")
    folder.parent.mkdir(parents=True, exist_ok=True)
    return private


def _put(folder: Path, content: Mapping[str, bytes]) -> None:
    unfinished = folder.with_name(f".{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name, data in content.items():
        (unfinished / name).write_bytes(data)
    if folder.exists():
        shutil.rmtree(folder)
    unfinished.replace(folder)
