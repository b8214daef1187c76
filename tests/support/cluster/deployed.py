"""A site as an installation that scenarios act on: its bucket and REST from outside, its topics from a pod."""

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import psycopg

from shared.bus.port import Delivery, Record
from tests.chaos.places import LOG, METRICS, Place
from tests.support.cluster.forward import Forward
from tests.support.cluster.kubernetes import Object
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import BUCKET, DATABASE, Site
from tests.support.installation import CONNECT_S, Database, Installation, put

_SEND = """
import base64, json, sys
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Record
from shared.settings import PlatformSettings, load
producer = KafkaProducerAdapter(load(PlatformSettings).kafka)
producer.send([Record(**each | {"value": base64.b64decode(each["value"])}) for each in map(json.loads, sys.stdin)])
producer.close()
"""
_READ = """
import base64, json, sys
from dataclasses import asdict
from shared.bus.kafka_admin import read_topic
from shared.settings import PlatformSettings, load
for each in map(asdict, read_topic(load(PlatformSettings).kafka, sys.argv[1])):
    each["record"] = dict(each["record"], value=base64.b64encode(each["record"]["value"]).decode())
    print(json.dumps(each))
"""
_METRICS = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:8081/metrics").read().decode())
"""


@dataclass(frozen=True)
class Deployed(Installation):
    """The release under test."""

    observer: Observer

    @property
    def site(self) -> Site:
        """Where it is."""
        return self.observer.site

    def land(self, key: str, data: bytes, beside: str = "") -> None:
        """Put an object, as a lab's uploader does; `beside` goes into what the store keeps about it."""
        self.observer.store(lambda s3: put(s3, BUCKET, key, data, beside))

    def stored(self, key: str) -> bytes:
        """An object of the bucket."""
        return bytes(self.observer.store(lambda s3: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))

    def stored_keys(self) -> Iterator[str]:
        """The key of every object of the bucket."""
        return iter(self.observer.stored_keys())

    def send(self, *records: Record) -> None:
        """Put records on topics."""
        lines = (json.dumps(asdict(each) | {"value": base64.b64encode(each.value).decode()}) for each in records)
        self._in_results("--stdin", _SEND, stdin="\n".join(lines))

    def read(self, topic: str) -> list[Delivery]:
        """Everything that stands on a topic."""
        return [_delivery(json.loads(line)) for line in self._in_results("--quiet", _READ, topic).splitlines()]

    def _in_results(self, option: str, program: str, *arguments: str, stdin: str = "") -> str:
        pod = self.site.medulla.pod("results")
        return self.site.namespace.kubectl("exec", option, pod, "--", "python", "-c", program, *arguments, stdin=stdin)

    def get(self, path: str) -> dict[str, Any]:
        """JSON of a REST path; empty for 404."""
        return self.observer.get(path.removeprefix("/api/v1"))

    def answer(self, path: str) -> tuple[str, bytes]:
        """Headers and body of the answer to a REST path; the body alone of a refusal."""
        return self.observer.answer(path)

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A connection to the database of results, each statement a transaction."""
        forward = Forward(self.site.namespace, f"pod/{self.site.outside.object_name('dev-postgres')}-0", 5432)
        url = urlsplit(self.site.secret("databaseUrl"))
        own = f"user={url.username} password={url.password} dbname={DATABASE} connect_timeout={CONNECT_S}"
        try:
            host, _, port = forward.call(lambda address: address).partition(":")
            with psycopg.connect(f"{own} host={host} port={port}", autocommit=True) as connection:
                yield connection
        finally:
            forward.close()

    def metrics(self) -> Iterator[Place]:
        """What the services count."""
        for service in SERVICES:
            pod = self.site.medulla.pod(service)
            yield Place(METRICS, service, self.site.namespace.exec(pod, "python", "-c", _METRICS).encode())

    def logs(self) -> Iterator[Place]:
        """What each container of the release's pods has said since its last start, and the one before it.

        Kubernetes keeps nothing of earlier ones, nor of pods that are gone.
        """
        for pod in self.site.medulla.pods():
            name, restarts = pod["metadata"]["name"], _restarts(pod)
            for each in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
                container = each["name"]
                text = self.site.namespace.logs(name, container)
                yield Place(LOG, f"{name} {container}", text.encode())
                if restarts.get(container):
                    text = self.site.namespace.logs(name, container, previous=True)
                    yield Place(LOG, f"{name} {container}, before its last start", text.encode())


def _restarts(pod: Object) -> dict[str, int]:
    """How often each container of a pod has restarted."""
    status = pod["status"]
    listed = (*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ()))
    return {each["name"]: each["restartCount"] for each in listed}


def _delivery(line: dict[str, Any]) -> Delivery:
    record = line["record"] | {"value": base64.b64decode(line["record"]["value"])}
    return Delivery(**line | {"record": Record(**record)})
