"""TLS of a gRPC server, whose files are read again for each connection: a renewed certificate needs no restart."""

from dataclasses import dataclass
from pathlib import Path

import grpc
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from shared import logs, metrics
from shared.errors import MedullaError
from shared.settings import Section

_log = logs.get(__name__)


class ServerTls(Section):
    """PEM files of a server; with `client_ca` only clients with a certificate of it may connect."""

    certificate: Path
    private_key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class _Files:
    """What the files hold."""

    private_key: bytes
    certificate: bytes
    client_ca: bytes | None

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """As gRPC takes it."""
        return grpc.ssl_server_certificate_configuration([(self.private_key, self.certificate)], self.client_ca)


def credentials(tls: ServerTls, address: str) -> grpc.ServerCredentials:
    """Credentials that follow the files; the metric of the certificate's expiry is kept for `address`.

    Raises:
        MedullaError: a file cannot be read, or holds no certificate and its key.
    """
    renewal = _Renewal(tls, address)
    return grpc.dynamic_ssl_server_credentials(
        renewal.served.configuration(),
        renewal,  # type: ignore[arg-type]  # None stands for no change, which the stubs do not know
        require_client_authentication=tls.client_ca is not None,
    )


class _Renewal:
    """Called by gRPC before each handshake; files that do not fit together yet leave the certificate as it is."""

    def __init__(self, tls: ServerTls, address: str) -> None:
        self._tls, self._address = tls, address
        self.served = self._accepted(_read(tls))

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            files = _read(self._tls)
            if files == self.served:
                return None
            self.served = self._accepted(files)
        except MedullaError as error:
            _log.warning("the renewed certificate cannot be served yet", sentence=str(error), address=self._address)
            return None
        _log.info("a renewed certificate is served", address=self._address)
        return self.served.configuration()

    def _accepted(self, files: _Files) -> _Files:
        chain = _chain(files.certificate, self._tls.certificate)
        if _public(files.private_key, self._tls.private_key) != _spki(chain[0]):
            raise MedullaError(f"TLS file {self._tls.private_key} is not the key of {self._tls.certificate}")
        ends = min(each.not_valid_after_utc.timestamp() for each in chain)
        metrics.CERTIFICATE_EXPIRY.labels(self._address).set(ends)
        return files


def _read(tls: ServerTls) -> _Files:
    try:
        client_ca = tls.client_ca.read_bytes() if tls.client_ca else None
        return _Files(tls.private_key.read_bytes(), tls.certificate.read_bytes(), client_ca)
    except OSError as error:
        raise MedullaError(f"cannot read TLS file {error.filename}: {error.strerror}") from error


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
