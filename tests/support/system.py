"""The whole system for end-to-end tests: four service processes on the real parts, watched over REST and S3."""

import json
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psycopg
from mypy_boto3_s3 import S3Client

from shared.blob.s3 import S3Store
from shared.bus.kafka_admin import read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery, Record
from shared.settings import KafkaSettings, S3Settings
from tests.stack.development import promote
from tests.stack.process import free_ports
from tests.stack.services import Ports, Service, Surroundings, four_services
from tests.stack.triton import Triton
from tests.support.installation import CONNECT_S, DEMO, Database, Installation, answered, put
from tests.support.parts import KafkaPart, MinioPart, PostgresPart
from tests.support.polling import wait_for

DEMO_BUNDLE = DEMO / "bundle"
SLIDE = next(DEMO.glob("*.svs"))
PATIENCE_S = 180.0
_STARTS_AT_A_TIME = 2
"""Services that start or stop beside each other: a start keeps a core busy."""


@dataclass(frozen=True)
class RealParts:
    """What the services run on."""

    kafka: KafkaPart
    minio: MinioPart
    postgres: PostgresPart
    triton: Triton


@dataclass(frozen=True)
class System(Installation):
    """Four processes and the way in and out of them."""

    parts: RealParts
    services: Mapping[str, Service]
    surroundings: Surroundings
    ports: Ports

    @cached_property
    def s3(self) -> S3Client:
        """A client of the bucket's server."""
        return self.parts.minio.client()

    @property
    def bucket(self) -> str:
        """The bucket that announces."""
        return self.surroundings.bucket

    @cached_property
    def store(self) -> S3Store:
        """The bucket as the services see it."""
        secret = self.parts.minio.secret_key
        return S3Store(
            S3Settings.model_validate(
                {
                    "bucket": self.bucket,
                    "endpoint_url": self.parts.minio.endpoint,
                    "access_key_id": self.parts.minio.access_key,
                    "secret_access_key": secret,
                }
            )
        )

    @property
    def kafka(self) -> KafkaSettings:
        """How to reach the broker."""
        return KafkaSettings(bootstrap_servers=self.parts.kafka.bootstrap)

    def land(self, key: str, data: bytes, beside: str = "") -> None:
        """Put an object, as a lab's uploader does; `beside` goes into what the store keeps about it."""
        put(self.s3, self.bucket, key, data, beside)

    def stored(self, key: str) -> bytes:
        """An object of the bucket."""
        return self.store.get(key)

    def stored_keys(self) -> Iterator[str]:
        """The key of every object of the bucket."""
        return (info.key for info in self.store.list(""))

    def send(self, *records: Record) -> None:
        """Put records on topics."""
        producer = KafkaProducerAdapter(self.kafka)
        try:
            producer.send(records)
        finally:
            producer.close()

    def read(self, topic: str) -> list[Delivery]:
        """Everything that stands on a topic."""
        return list(read_topic(self.kafka, topic))

    def get(self, path: str) -> dict[str, Any]:
        """JSON of a REST path; empty for 404."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.results_http}{path}", timeout=10) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            if error.code == 404:
                return {}
            raise

    def answer(self, path: str) -> tuple[str, bytes]:
        """Headers and body of the answer to a REST path; the body alone of a refusal."""
        return answered(f"http://127.0.0.1:{self.ports.results_http}{path}")

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A connection to the database of results, each statement a transaction."""
        url = self.surroundings.database_url.replace("+psycopg", "")
        with psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_S) as connection:
            yield connection

    def fetch(self, path: str) -> bytes:
        """The bytes of a REST path; empty for 404."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.results_http}{path}", timeout=30) as answer:
                return bytes(answer.read())
        except HTTPError as error:
            if error.code == 404:
                return b""
            raise

    def post(self, path: str, body: object) -> dict[str, Any]:
        """The answer to a JSON body."""
        data = json.dumps(body).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports.results_http}{path}", data, timeout=30) as answer:
            return dict(json.load(answer))

    def delete(self, path: str) -> int:
        """Ask REST to delete; the status of its answer."""
        with closing(HTTPConnection("127.0.0.1", self.ports.results_http, timeout=10)) as connection:
            connection.request("DELETE", path)
            return connection.getresponse().status

    def eventually(self, case_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The case, as soon as it is as wanted; fails the test after PATIENCE_S with what it is."""
        answer: dict[str, Any] = {}

        def looks_right() -> bool:
            answer.clear()
            answer.update(self.case(case_id))
            return bool(answer) and condition(answer)

        assert wait_for(looks_right, PATIENCE_S), f"case {case_id} stays at {json.dumps(answer)[:1500]}"
        return dict(answer)


def scored_by(model: str) -> Callable[[dict[str, Any]], bool]:
    """A case whose current score was made by this model of the bundle."""
    return lambda case: case.get("score", {}).get("model") == model


def rejected_for(reason: str) -> Callable[[dict[str, Any]], bool]:
    """A case with an input refused for this reason."""
    return lambda case: any(item["reason"] == reason for item in case.get("rejections", []))


@contextmanager
def running(
    parts: RealParts,
    folder: Path,
    topic_of_events: str,
    bundle: Path = DEMO_BUNDLE,
    settings: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[System]:
    """Start the four services on a bucket, topics' past and a database of their own; end them in the end.

    `settings` are further ones by service.
    """
    bucket = parts.minio.bucket("e2e")
    parts.minio.announce(bucket, topic_of_events)
    promote(parts.minio.client(), bucket, bundle)
    surroundings = Surroundings(
        bootstrap=parts.kafka.bootstrap,
        s3_endpoint=parts.minio.endpoint,
        s3_access_key=parts.minio.access_key,
        s3_secret_key=parts.minio.secret_key,
        bucket=bucket,
        database_url=parts.postgres.database(),
        triton_url=parts.triton.url,
    )
    ports = Ports(*free_ports(8))
    services = {
        name: replace(service, environment={**service.environment, **(settings or {}).get(name, {})})
        for name, service in four_services(folder, surroundings, ports).items()
    }
    system = System(parts, services, surroundings, ports)
    with ThreadPoolExecutor(_STARTS_AT_A_TIME) as pool:
        try:
            list(pool.map(Service.start, system.services.values()))
            yield system
        finally:
            list(pool.map(Service.stop, system.services.values()))
