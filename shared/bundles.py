"""The format that writers and readers of a model bundle share: names, digests of its files, ed25519 keys."""

from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from shared.canonical import sha256
from shared.errors import PermanentError

MANIFEST, SIGNATURE = "bundle.json", "signature"


class BadKeyError(PermanentError):
    """A signing or verification key is not one."""

    reason = "bad_bundle"
    advice = (
        "Give an ed25519 key in PEM, without password. `openssl genpkey -algorithm ed25519 -out key.pem` makes a "
        "private key to sign with, `openssl pkey -in key.pem -pubout -out key.pub.pem` its public half to verify with."
    )


def folder_files(folder: Path) -> dict[str, bytes]:
    """Every file's bytes by name, sub-folders as `folder/name`; empty where there is no bundle.json."""
    if not (folder / MANIFEST).is_file():
        return {}
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def fault(listed: Mapping[str, str], files: Mapping[str, bytes], where: str) -> str | None:
    """A sentence on the first file that differs from the SHA-256 `listed` in bundle.json; None if all match."""
    for name, digest in listed.items():
        if name not in files:
            return f"{where} lacks {name}, which {MANIFEST} lists"
        if sha256(files[name]) != digest:
            return f"{name} of {where} was altered: its SHA-256 is not the one in {MANIFEST}"
    strangers = files.keys() - listed.keys() - {MANIFEST, SIGNATURE}
    return f"{where} holds {min(strangers)}, which {MANIFEST} does not list" if strangers else None


def private_key(pem: bytes) -> Ed25519PrivateKey:
    """Read a signing key, PEM (PKCS#8).

    Raises:
        BadKeyError: it is not one.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKeyError("the private key is no unencrypted PEM key") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise BadKeyError("the private key is not of the kind ed25519")
    return key


def public_key(data: bytes) -> Ed25519PublicKey:
    """Read a verification key, PEM or 32 raw bytes.

    Raises:
        BadKeyError: it is not one.
    """
    if b"PRIVATE KEY" in data:
        raise BadKeyError("the key given as public key for bundles is a private one")
    try:
        key = Ed25519PublicKey.from_public_bytes(data) if len(data) == 32 else load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKeyError("the public key for bundles is neither PEM nor 32 raw bytes") from error
    if not isinstance(key, Ed25519PublicKey):
        raise BadKeyError("the public key for bundles is not of the kind ed25519")
    return key
