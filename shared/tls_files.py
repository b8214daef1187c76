"""PEM files of TLS: read whole, and taken only where certificate and key belong together."""

import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared.errors import MedullaError


def read(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        MedullaError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise MedullaError(f"cannot read TLS file {error.filename}: {error.strerror}") from error


def authorities(path: Path) -> bytes:
    """The certificates of authorities, which may stand between words.

    Raises:
        MedullaError: the file cannot be read, or holds no certificate.
    """
    pem = read(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=pem.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError) as error:
        raise MedullaError(f"TLS file {path} holds no PEM certificate") from error
    return pem


def pair(certificate: Path, private_key: Path) -> tuple[bytes, bytes]:
    """A certificate, with those of its authorities where they follow it, and its private key.

    Raises:
        MedullaError: a file cannot be read, or they hold no certificate and its key.
    """
    chain, key = read(certificate), read(private_key)
    if _public(key, private_key) != _spki(_chain(chain, certificate)[0]):
        raise MedullaError(f"TLS file {private_key} is not the key of {certificate}")
    return chain, key


def expiry(certificate: bytes) -> float:
    """Earliest expiry in a PEM chain, in Unix seconds."""
    return min(each.not_valid_after_utc.timestamp() for each in x509.load_pem_x509_certificates(certificate))


def _chain(pem: bytes, path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise MedullaError(f"TLS file {path} holds no PEM certificate") from error


def _public(pem: bytes, path: Path) -> bytes:
    try:
        key = load_pem_private_key(pem, password=None).public_key()
    except (ValueError, TypeError) as error:
        raise MedullaError(f"TLS file {path} holds no PEM private key without a password") from error
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
