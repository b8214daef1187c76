"""Settings of the fusion scorer, read from `SCORER_…` variables in `__main__` alone."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.bounded_file import read_key
from shared.errors import MedullaError
from shared.model.signature import public_keys
from shared.rpc.server_tls import ServerTls
from shared.settings import ServiceSettings, SqsSettings


class ScorerSettings(ServiceSettings):
    """What the scorer alone needs, e.g. `SCORER_BUNDLE_PUBLIC_KEY=/etc/medulla/bundles.pem`."""

    model_config = SettingsConfigDict(env_prefix="SCORER_")

    grpc_address: str = "127.0.0.1:50053"
    """Where ScorerService listens; 0.0.0.0:50053 in a pod, which needs a token issuer."""
    grpc_tls: ServerTls | None = None
    """Certificate of ScorerService; None where something in front of it speaks TLS."""
    bundle_public_key: Path | None = None
    """PEM file of the ed25519 key that bundles must be signed with, or of several, of which one must have signed; None:
    the signature is not asked for."""
    sqs: SqsSettings | None = None
    """Queue of S3 events where the bucket does not announce to Kafka, e.g. `SCORER_SQS__URL=https://…`."""
    concurrency: int = Field(default=4, ge=1)
    """Events worked on at once, each of another partition; one fewer in the background."""
    sweep_every_s: float = Field(default=900, gt=0)
    """How often the bucket is searched for records, vectors and promotions that no event announced, and for late
    objects of erased cases."""

    def public_key(self) -> bytes | None:
        """The keys of which one must have signed a bundle, as their file holds them now, if any.

        Raises:
            MedullaError: the file cannot be read, or holds none.
        """
        path = self.bundle_public_key
        if path is None:
            return None
        try:
            key = read_key(path)
        except OSError as error:
            raise MedullaError(f"cannot read SCORER_BUNDLE_PUBLIC_KEY {path}: {error.strerror}") from error
        public_keys(key)
        return key
