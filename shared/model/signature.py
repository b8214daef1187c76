"""ed25519 keys that sign bundles, and keys to check signatures by."""

import re
from collections.abc import Iterable, Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from shared.model.errors import BadKeyError

SIGNATURE = "signature"
"""File beside bundle.json: ed25519 over its bytes, in hex."""
_BEGIN = b"-----BEGIN"
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.*?-----END PUBLIC KEY-----", re.DOTALL)


def signature_of(manifest: bytes, key: Ed25519PrivateKey) -> bytes:
    """The content of the signature file for a bundle.json."""
    return key.sign(manifest).hex().encode() + b"\n"


def is_signature(signature: bytes, manifest: bytes, keys: Iterable[Ed25519PublicKey]) -> bool:
    """Whether a signature file fits a bundle.json and one of the keys."""
    return any(_fits(signature, manifest, key) for key in keys)


def _fits(signature: bytes, manifest: bytes, key: Ed25519PublicKey) -> bool:
    try:
        key.verify(bytes.fromhex(signature.decode("ascii").strip()), manifest)
    except (InvalidSignature, ValueError):
        return False
    return True


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


def public_keys(data: bytes) -> Sequence[Ed25519PublicKey]:
    """Read verification keys, of which a PEM file may hold several while one takes another's place.

    Raises:
        BadKeyError: one of them is not a key.
    """
    pems = _PEM.findall(data)
    if b"PRIVATE KEY" in data or not pems:
        return [public_key(data)]
    if len(pems) != data.count(_BEGIN):
        raise BadKeyError("one of the public keys for bundles is cut off, or is not a public key")
    return [public_key(pem) for pem in pems]
