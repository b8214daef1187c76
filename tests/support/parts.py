"""The real parts a test session may ask for: each started once, in the background, on free ports, ended with it."""

import contextlib
import threading
import uuid
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Protocol, cast

import boto3
import psycopg
from botocore.config import Config
from botocore.exceptions import ClientError
from mypy_boto3_s3 import S3Client
from mypy_boto3_sqs import SQSClient
from psycopg import sql

from shared.bus import topics
from shared.bus.kafka_admin import ensure_topics
from shared.bus.s3_events import ANNOUNCED, notifications
from shared.settings import KafkaSettings
from tests.stack import install
from tests.stack.elasticmq import ElasticMq
from tests.stack.fhir_server import FhirServer
from tests.stack.home import MissingPartError, StackError
from tests.stack.kafka import Kafka
from tests.stack.minio import Minio
from tests.stack.postgres import Postgres
from tests.stack.process import Program, free_ports
from tests.stack.services import GROUPS
from tests.stack.triton import Triton
from tests.support.polling import wait_for

NAMES = ("kafka", "minio", "postgres", "elasticmq", "triton", "browser", "axe", "fhir", "fhir_server")
_FILES = {"browser": install.browser, "axe": install.axe, "fhir": install.fhir_validator}
"""Parts without a process of their own."""
EVENT_TOPICS = (topics.S3_EVENTS, *(f"{topics.S3_EVENTS}.{number}" for number in range(1, 13)))
_PARTITIONS = 3
_ANNOUNCES_S = 60.0
_DEADLINES = Config(connect_timeout=5, read_timeout=30, retries={"max_attempts": 3, "mode": "standard"})
_S3_ADDRESSING = Config(signature_version="s3v4", s3={"addressing_style": "path"})


class RealPart(Protocol):
    """A part with a process of its own."""

    @property
    def program(self) -> Program:
        """The process, with its log."""

    def start(self) -> None:
        """Start it and return when it is ready."""

    def stop(self) -> None:
        """Shut it down in order."""


class KafkaPart(Kafka):
    """A broker with the topics of the pipeline, and helpers for tests."""

    def start(self) -> None:
        """Start, and make sure that every topic of the pipeline stands."""
        super().start()
        self.create_topics(*topics.ALL, *map(topics.retry_topic, GROUPS))

    def create_topics(self, *names: str, partitions: int = _PARTITIONS) -> None:
        """Create those of the topics that do not exist."""
        ensure_topics(KafkaSettings(bootstrap_servers=self.bootstrap), names, partitions)

    def topic(self, prefix: str = "test") -> str:
        """A new topic of a test's own."""
        name = f"{prefix}.{uuid.uuid4().hex[:12]}"
        self.create_topics(name)
        return name


class MinioPart(Minio):
    """A server with buckets for tests."""

    def client(self) -> S3Client:
        """A boto3 client with deadlines."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=_DEADLINES.merge(_S3_ADDRESSING),
        )

    def bucket(self, prefix: str = "test") -> str:
        """A new, empty bucket that announces nothing."""
        name = f"{prefix}-{uuid.uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def announce(self, bucket: str, topic: str = topics.S3_EVENTS, beginnings: Sequence[str] = ANNOUNCED) -> None:
        """Make a bucket announce objects whose keys begin so on one of EVENT_TOPICS, which must exist in Kafka.

        Raises:
            StackError: MinIO, which connects to them after it is ready, knows no such topic.
        """
        if not wait_for(lambda: self._announces(bucket, topic, beginnings), _ANNOUNCES_S, 0.2):
            raise StackError(f"MinIO does not know the topic {topic}; its log is {self.program.log}.")

    def _announces(self, bucket: str, topic: str, beginnings: Sequence[str]) -> bool:
        try:
            self.client().put_bucket_notification_configuration(
                Bucket=bucket,
                NotificationConfiguration={"QueueConfigurations": notifications(self.queue_arn(topic), beginnings)},
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidArgument":
                raise
            return False
        return True


class PostgresPart(Postgres):
    """A server with databases for tests."""

    def database(self) -> str:
        """SQLAlchemy URL of a new, empty database."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(self.dsn("postgres"), autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        return self.url(name)

    def dsn(self, database: str) -> str:
        """URL of a database as psycopg and libpq take it."""
        return self.url(database).replace("+psycopg", "")


class ElasticMqPart(ElasticMq):
    """A server with queues for tests."""

    def client(self) -> SQSClient:
        """A boto3 client with deadlines."""
        return boto3.client(
            "sqs",
            endpoint_url=self.endpoint,
            region_name="elasticmq",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=_DEADLINES,
        )

    def queue(self, prefix: str = "test") -> str:
        """URL of a new queue."""
        return self.client().create_queue(QueueName=f"{prefix}-{uuid.uuid4().hex[:12]}")["QueueUrl"]


class Parts:
    """The parts of one session below `folder`; asking for one starts it, or waits for it, once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="parts")
        self._starting: dict[str, Future[object]] = {}
        self._lock = threading.Lock()
        self._event_topics = iter(EVENT_TOPICS[1:])

    def begin(self, names: Iterable[str]) -> None:
        """Start parts in the background."""
        for name in names:
            self._future(name)

    def get(self, name: str) -> object:
        """A part that runs.

        Raises:
            MissingPartError: it is not installed.
            StackError: it did not start.
        """
        return self._future(name).result()

    def _future(self, name: str) -> Future[object]:
        with self._lock:
            if name not in self._starting:
                self._starting[name] = self._pool.submit(self._start, name)
            return self._starting[name]

    def _start(self, name: str) -> object:
        if not install.is_installed(name):
            raise MissingPartError(f"{name} is not on this machine; `make parts` installs what it can.")
        if name in _FILES:
            return _FILES[name]()
        if name == "minio" and "kafka" in self._starting:
            self._wait_for_kafka()
        created = self._create(name)
        created.start()
        return created

    def _wait_for_kafka(self) -> None:
        """MinIO that starts before its broker is slow to accept notifications; without a broker it has none."""
        with contextlib.suppress(StackError):
            self._starting["kafka"].result()

    def _create(self, name: str) -> RealPart:
        match name:
            case "kafka":
                return self._kafka
            case "minio":
                return MinioPart(self.folder / name, self._ports[2], self._kafka.bootstrap, EVENT_TOPICS)
            case "postgres":
                return PostgresPart(self.folder / name, self._ports[3])
            case "elasticmq":
                return ElasticMqPart(self.folder / name, self._ports[4])
            case "triton":
                return Triton(self.folder / name, self._ports[5], self._ports[6], self._ports[7])
            case "fhir_server":
                return FhirServer(self.folder / name, self._ports[8])
        raise MissingPartError(f"There is no part called {name}.")

    @cached_property
    def _ports(self) -> Sequence[int]:
        return free_ports(9)

    @cached_property
    def _kafka(self) -> KafkaPart:
        """Made before it runs, so that MinIO knows where it will be."""
        return KafkaPart(self.folder / "kafka", self._ports[0], self._ports[1])

    def event_bucket(self) -> tuple[str, str]:
        """A new bucket, and the topic of its own on which it announces every object."""
        topic = next(self._event_topics)
        cast("KafkaPart", self.get("kafka")).create_topics(topic)
        minio = cast("MinioPart", self.get("minio"))
        bucket = minio.bucket("events")
        minio.announce(bucket, topic, [""])
        return bucket, topic

    def logs(self) -> list[Path]:
        """Logs of the parts that were started."""
        return sorted(self.folder.glob("*/*.log"))

    def close(self) -> None:
        """Wait for what is starting and end everything that runs."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        ready = [each for each in self._starting.values() if not each.cancelled() and each.exception() is None]
        running = [each.result() for each in ready if hasattr(each.result(), "stop")]
        with ThreadPoolExecutor(len(running) or 1) as pool:
            list(pool.map(lambda part: cast("RealPart", part).stop(), running))
