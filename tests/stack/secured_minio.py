"""A MinIO server that speaks TLS."""

from dataclasses import dataclass
from functools import cached_property

from tests.stack.minio import Minio
from tests.stack.process import Program, listening, require_free
from tests.support.certificates import Pair, self_signed


@dataclass(frozen=True)
class SecuredMinio(Minio):
    """A server whose certificate is its own authority."""

    @property
    def endpoint(self) -> str:
        """URL for S3 clients."""
        return f"https://127.0.0.1:{self.port}"

    @cached_property
    def program(self) -> Program:
        """The server's process."""
        plain = Minio(self.folder, self.port, self.bootstrap, self.topics, self.access_key, self.secret_key).program
        argv = [*plain.argv[:2], f"--certs-dir={self.folder / 'certs'}", *plain.argv[2:]]
        return Program("minio", self.folder, argv, plain.env)

    def start(self) -> None:
        """Start with the certificate that was renewed last; MinIO itself reads it again only after a while."""
        require_free("MinIO", self.port)
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        self.program.start(lambda: listening(self.port))

    def renew_certificate(self) -> Pair:
        """Have a certificate of another authority from the next start on."""
        certs = self.folder / "certs"
        certs.mkdir(parents=True, exist_ok=True)
        pair = self_signed(certs)
        (certs / "public.crt").write_bytes(pair.certificate.read_bytes())
        (certs / "private.key").write_bytes(pair.private_key.read_bytes())
        return pair
