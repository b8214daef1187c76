"""A site in one namespace: Kafka, S3 and PostgreSQL as the operator's, and the release under test on them."""

import base64
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stack.home import StackError
from tests.support.chart.paths import CHART
from tests.support.cluster.kubernetes import Namespace
from tests.support.cluster.release import Release

LAPTOP = (CHART / "ci" / "laptop.yaml", Path(__file__).with_name("values.yaml"))
RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/enforce-version": "latest",
}
BUCKET = "medulla"
SCRAPERS = [
    {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}},
    {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}},
]
"""Who may scrape metrics: the chart's default, and a Prometheus in the release's own namespace."""
_OUTSIDE = "outside"
_NOTHING = {"replicas": 0}
DATABASE = "site"


@dataclass(frozen=True)
class Site:
    """Two releases in a namespace that admits nothing but restricted pods."""

    namespace: Namespace

    @property
    def outside(self) -> Release:
        """What an operator brings: the chart's `dev` parts, no service, no policy."""
        off = {"enabled": False}
        values = {
            **dict.fromkeys(("tiler", "embedder", "fusionScorer", "results"), _NOTHING),
            **dict.fromkeys(("networkPolicy", "podDisruptionBudget", "sweep"), off),
            "monitoring": {"dashboards": off, "rules": off},
        }
        return Release(self.namespace, LAPTOP, _OUTSIDE, values)

    @property
    def medulla(self) -> Release:
        """The release under test: hooks, policies and secrets as on any cluster."""
        dev = f"{_OUTSIDE}-medulla-dev"
        s3 = {"existingSecret": dev, "accessKeyIdKey": "s3AccessKeyId", "secretAccessKeyKey": "s3SecretAccessKey"}
        values: Mapping[str, Any] = {
            "dev": {"enabled": False},
            "kafka": {"bootstrapServers": f"{dev}-kafka.{self.namespace.name}.svc:9092"},
            "s3": {"bucket": BUCKET, "endpointUrl": f"http://{dev}-s3:9000", **s3},
            "database": {"existingSecret": "site-database"},
            "topics": {"partitions": 6, "replicationFactor": 1},
            "monitoring": {"scrapeAnnotations": True},
            "networkPolicy": {"metricsFrom": SCRAPERS},
        }
        return Release(self.namespace, LAPTOP, "medulla", values)

    def up(self) -> None:
        """Bring it up from nothing, or to what this checkout says."""
        say(f"installing Kafka, S3 and PostgreSQL into {self.namespace.name}")
        self.namespace.create(**RESTRICTED)
        self.outside.install()
        self.make_database()
        say("installing the release, hooks first")
        self.medulla.install()

    def make_database(self) -> None:
        """An empty database of the release's own, and the secret with its URL."""
        self._ask_postgres("postgres", f"create database {DATABASE}")
        url = self.secret("databaseUrl").rpartition("/")[0] + f"/{DATABASE}"
        self.namespace.apply(secret("site-database", url=url))

    def drop_database(self) -> None:
        """Remove the database with all that is in it, whoever uses it."""
        self._ask_postgres("postgres", f"drop database {DATABASE} with (force)")

    def ask_database(self, statement: str) -> None:
        """Run a statement in the release's database, as who administers it could.

        Raises:
            StackError: it was refused.
        """
        done = self._ask_postgres(DATABASE, statement)
        if done.returncode != 0:
            raise StackError(f"{statement}: {done.stderr.strip()}")

    def _ask_postgres(self, database: str, statement: str) -> subprocess.CompletedProcess[str]:
        psql = ("psql", "-U", "medulla", "-d", database, "-h", "/tmp", "-tAc", statement)  # noqa: S108 - its socket
        return self.namespace.attempt("exec", f"{_OUTSIDE}-medulla-dev-postgres-0", "--", *psql)

    def secret(self, key: str) -> str:
        """A password of what stands outside."""
        encoded = self.namespace.object("secret", f"{_OUTSIDE}-medulla-dev")["data"][key]
        return base64.b64decode(encoded).decode()

    def down(self) -> None:
        """Remove everything."""
        self.namespace.delete()


def secret(name: str, **values: str) -> dict[str, Any]:
    """A secret of these values."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def say(sentence: str) -> None:
    """A line of progress."""
    print(f"cluster: {sentence}", flush=True)
