"""One MinIO server: S3 with conditional writes and notifications to Kafka that survive the broker's absence."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tests.stack import install
from tests.stack.process import Program, answers, require_free


@dataclass(frozen=True)
class Minio:
    """A server on one port of loopback that can announce objects on `topics` of the broker at `bootstrap`."""

    folder: Path
    port: int
    bootstrap: str
    topics: Sequence[str]
    access_key: str = "medulla"
    secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def endpoint(self) -> str:
        """URL for S3 clients."""
        return f"http://127.0.0.1:{self.port}"

    def queue_arn(self, topic: str) -> str:
        """What a bucket's notification configuration calls one of `topics`."""
        return f"arn:minio:sqs::T{list(self.topics).index(topic)}:kafka"

    @cached_property
    def program(self) -> Program:
        """The server's process."""
        address = f"127.0.0.1:{self.port}"
        argv = [str(install.minio()), "server", "--quiet", "--address", address, str(self.folder / "data")]
        return Program("minio", self.folder, argv, self._environment())

    def _environment(self) -> dict[str, str]:
        own = {
            "MINIO_ROOT_USER": self.access_key,
            "MINIO_ROOT_PASSWORD": self.secret_key,
            "MINIO_BROWSER": "off",
            "GOMEMLIMIT": "400MiB",
        }
        for number, topic in enumerate(self.topics):
            own |= self._target(f"T{number}", topic)
        return own

    def _target(self, name: str, topic: str) -> dict[str, str]:
        """A notification target; its queue on disk keeps events while the broker is down."""
        return {
            f"MINIO_NOTIFY_KAFKA_ENABLE_{name}": "on",
            f"MINIO_NOTIFY_KAFKA_BROKERS_{name}": self.bootstrap,
            f"MINIO_NOTIFY_KAFKA_TOPIC_{name}": topic,
            f"MINIO_NOTIFY_KAFKA_QUEUE_DIR_{name}": str(self.folder / "queue" / name),
        }

    def start(self) -> None:
        """Start on whatever data the folder holds.

        Raises:
            StackError: it did not start.
        """
        require_free("MinIO", self.port)
        for name in ("data", *(f"queue/T{number}" for number in range(len(self.topics)))):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.program.start(lambda: answers(f"{self.endpoint}/minio/health/ready"))

    def stop(self) -> None:
        """Shut down in order."""
        self.program.stop()

    def kill(self) -> None:
        """End it as a crash would (SIGKILL); `start` brings it back with its data."""
        self.program.kill()
