"""The four services as processes of their own, as an operator would start them."""

import shlex
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.stack.process import Program, answers
from tests.support.checkout import CHECKOUT

LAUNCHER = ("env", "--block-signal=TERM,INT")
"""Holds signals back until the service handles them, as `start` of its image does (`docker/prune.py`)."""

SERVICES = ("tiler", "embedder", "fusion_scorer", "results")
GROUPS = (*SERVICES, "results_fhir")
"""Consumer groups, each with a topic of its own for retries; results has the last one with a FHIR server only."""


@dataclass(frozen=True)
class Surroundings:
    """The real parts that the services talk to."""

    bootstrap: str
    s3_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    bucket: str
    database_url: str
    triton_url: str

    @property
    def environment(self) -> dict[str, str]:
        """Settings that all services share."""
        return {
            "MEDULLA_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "MEDULLA_S3__ENDPOINT_URL": self.s3_endpoint,
            "MEDULLA_S3__ACCESS_KEY_ID": self.s3_access_key,
            "MEDULLA_S3__SECRET_ACCESS_KEY": self.s3_secret_key,
            "MEDULLA_S3__BUCKET": self.bucket,
        }


@dataclass(frozen=True)
class Ports:
    """Ports of loopback on which the services listen."""

    tiler_grpc: int = 50051
    tiler_health: int = 8081
    embedder_health: int = 8082
    scorer_grpc: int = 50053
    scorer_health: int = 8083
    results_http: int = 8080
    results_grpc: int = 50054
    results_health: int = 8084


@dataclass(frozen=True)
class Service:
    """One service: `python -m services.{name}`, unless a module is given."""

    name: str
    folder: Path
    health_port: int
    environment: Mapping[str, str]
    replica: int = 0
    """Tells processes of one service apart."""
    module: str = ""
    """What runs instead of the service's own module, to fail on purpose."""

    @property
    def health(self) -> str:
        """URL of /livez, /readyz and /metrics, without the last part."""
        return f"http://127.0.0.1:{self.health_port}"

    @property
    def settings(self) -> dict[str, str]:
        """All that it is told."""
        return {
            **self.environment,
            "MEDULLA_HTTP_PORT": str(self.health_port),
            "MEDULLA_KAFKA__GROUP_INSTANCE_ID": f"{self.name}-{self.replica}",
            "PYTHONUNBUFFERED": "1",
        }

    @cached_property
    def program(self) -> Program:
        """Its process."""
        command = [*LAUNCHER, sys.executable, "-m", self.module or f"services.{self.name}"]
        name = f"{self.name}-{self.replica}" if self.replica else self.name
        return Program(name, self.folder, command, self.settings, CHECKOUT)

    def write_settings(self) -> Path:
        """Keep the settings, passwords among them, as a file that a shell can read, for a start by hand."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"{self.name}.env"
        file.touch(mode=0o600)
        file.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in self.settings.items()))
        return file

    def start(self) -> None:
        """Start it; ready when it says so itself.

        Raises:
            StackError: it did not start.
        """
        self.program.start(lambda: answers(f"{self.health}/readyz"), seconds=120)

    def metrics(self) -> str:
        """What it counts, as Prometheus reads it."""
        with urllib.request.urlopen(f"{self.health}/metrics", timeout=10) as answer:  # noqa: S310 - our own http URL
            return str(answer.read().decode())

    def stop(self) -> None:
        """Let it finish what it works on, and end."""
        self.program.stop(seconds=60)

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        self.program.kill()


def four_services(folder: Path, surroundings: Surroundings, ports: Ports) -> dict[str, Service]:
    """The services by name, in the order of a slide's way, not yet started; logs go to `folder`."""
    health = (ports.tiler_health, ports.embedder_health, ports.scorer_health, ports.results_health)
    own = _own_settings(folder, surroundings, ports)
    return {
        name: Service(name, folder, port, {**surroundings.environment, **own[name]})
        for name, port in zip(SERVICES, health, strict=True)
    }


def _own_settings(folder: Path, surroundings: Surroundings, ports: Ports) -> dict[str, dict[str, str]]:
    return {
        "tiler": {
            "TILER_ADDRESS": f"127.0.0.1:{ports.tiler_grpc}",
            "TILER_SCRATCH__FOLDER": str(folder / "scratch"),
        },
        "embedder": {
            "EMBEDDER_TILER_ADDRESS": f"127.0.0.1:{ports.tiler_grpc}",
            "EMBEDDER_TRITON_URL": surroundings.triton_url,
        },
        "fusion_scorer": {"SCORER_GRPC_ADDRESS": f"127.0.0.1:{ports.scorer_grpc}"},
        "results": {
            "RESULTS_DATABASE_URL": surroundings.database_url,
            "RESULTS_MIGRATE_AT_START": "true",
            "RESULTS_HTTP_PORT": str(ports.results_http),
            "RESULTS_TILER_ADDRESS": f"127.0.0.1:{ports.tiler_grpc}",
            "RESULTS_SCORER_ADDRESS": f"127.0.0.1:{ports.scorer_grpc}",
            "RESULTS_GRPC_ADDRESS": f"127.0.0.1:{ports.results_grpc}",
        },
    }
