"""TLS of a gRPC server, whose files are read again for each connection: a renewed certificate needs no restart."""

from dataclasses import dataclass
from pathlib import Path

import grpc

from shared import logs, metrics, tls_files
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
        self.served = self._counted(_read(tls))

    def __call__(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            files = _read(self._tls)
            if files == self.served:
                return None
            self.served = self._counted(files)
        except MedullaError as error:
            _log.warning("the renewed certificate cannot be served yet", sentence=str(error), address=self._address)
            return None
        _log.info("a renewed certificate is served", address=self._address)
        return self.served.configuration()

    def _counted(self, files: _Files) -> _Files:
        metrics.CERTIFICATE_EXPIRY.labels(self._address).set(tls_files.expiry(files.certificate))
        return files


def _read(tls: ServerTls) -> _Files:
    certificate, private_key = tls_files.pair(tls.certificate, tls.private_key)
    return _Files(private_key, certificate, tls_files.authorities(tls.client_ca) if tls.client_ca else None)
