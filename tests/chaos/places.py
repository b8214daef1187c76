"""Every place where a lab's text could come to stand: logs, metrics, topics, objects, tables, answers, exports."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pydicom
from psycopg import sql
from pypdf import PdfReader

from shared.bus import topics
from tests.stack.services import SERVICES, Service
from tests.support.installation import Installation
from tests.support.otlp_collector import Collector

LOG, METRICS, TRACE, TOPIC, OBJECT, TABLE, ANSWER = "log", "metrics", "trace", "topic", "object", "table", "answer"
_OUR_TOPICS = tuple(topic for topic in topics.ALL if topic != topics.S3_EVENTS)
"""What the bucket itself announces repeats what the lab wrote."""
_LANDED = ("slides/", "clinical/", "vectors/")
_LISTS = (
    *("cases", "cases.csv", "case-counts", "refused", "waiting", "rescoring", "monitoring", "bundle", "config", "me"),
    *("notes.csv", "audit/views", "audit/verify", "cases?sort=-risk&page_size=50", "openapi.json"),
)
_OF_A_CASE = (
    *("", "/scores", "/timeline", "/notes", "/outcomes", "/what-if"),
    *("/fhir", "/report.pdf", "/report.dcm", "/attention.geojson", "/attention.dcm"),
)
_OF_A_SLIDE = ("thumbnail", "attention", "tissue", "tiles", "prototypes", "composition")


@dataclass(frozen=True, slots=True)
class Place:
    """Something that was kept or answered."""

    kind: str
    name: str
    """For people; holds the case or key that the place is about."""
    content: bytes

    def holds(self, text: str) -> bool:
        """Whether a text stands there."""
        return text.encode() in self.content


def places(system: Installation, cases: Iterable[str]) -> Iterator[Place]:
    """All places of a running system but its metrics, logs and traces."""
    yield from _topics(system)
    for key in system.stored_keys():
        if not key.startswith(_LANDED):
            yield Place(OBJECT, key, key.encode() + _readable(key, system.stored(key)))
    yield from _answers(system, cases)
    yield from _tables(system)


def metrics(services: Mapping[str, Service]) -> Iterator[Place]:
    """What the services count."""
    for service in services.values():
        yield Place(METRICS, service.name, service.metrics().encode())


def logs(services: Mapping[str, Service]) -> Iterator[Place]:
    """What the services have logged."""
    for service in services.values():
        yield Place(LOG, service.name, service.program.log.read_bytes())


def traces(collector: Collector) -> Iterator[Place]:
    """What the services have sent to a collector."""
    for number in range(collector.received.qsize()):
        yield Place(TRACE, str(number), collector.received.get().SerializeToString())


def _topics(system: Installation) -> Iterator[Place]:
    for topic in (*_OUR_TOPICS, *map(topics.retry_topic, SERVICES)):
        for delivery in system.read(topic):
            where = f"{topic} about {delivery.record.key}, {delivery.partition}/{delivery.offset}"
            yield Place(TOPIC, where, repr(delivery.record).encode())


def _answers(system: Installation, cases: Iterable[str]) -> Iterator[Place]:
    """What the page and other programs can ask for, refusals included."""
    for path in _LISTS:
        yield _answer(system, path)
    for letter in system.get("/api/v1/dead-letters")["dead_letters"]:
        yield Place(ANSWER, f"dead letter about {letter['key']}", json.dumps(letter).encode())
    for case_id in cases:
        for path in _OF_A_CASE:
            yield _answer(system, f"cases/{case_id}{path}")
        for slide in system.case(case_id).get("score", {}).get("slides", []):
            yield from _of_a_slide(system, case_id, slide)


def _of_a_slide(system: Installation, case_id: str, slide: Mapping[str, Any]) -> Iterator[Place]:
    name, digest = quote(slide["slide_id"]), slide["slide_digest"]
    for path in _OF_A_SLIDE:
        yield _answer(system, f"cases/{case_id}/slides/{name}/{path}")
    yield _answer(system, f"slides/{digest}.dzi")
    yield _answer(system, f"slides/{digest}_files/8/0_0.jpeg")


def _answer(system: Installation, path: str) -> Place:
    headers, body = system.answer(f"/api/v1/{path}")
    return Place(ANSWER, path, _readable(path, body) + headers.encode() if headers else body)


def _readable(name: str, data: bytes) -> bytes:
    """The bytes, and what a viewer shows of them where they are compressed."""
    if name.endswith(".pdf"):
        pdf = PdfReader(io.BytesIO(data))
        texts = [str(pdf.metadata), *(page.extract_text() for page in pdf.pages)]
        return data + "\n".join(texts).encode()
    if name.endswith(".dcm"):
        return data + str(pydicom.dcmread(io.BytesIO(data))).encode()
    return data


def _tables(system: Installation) -> Iterator[Place]:
    """Every row of the database."""
    with system.database() as database:
        names = database.execute("select table_name from information_schema.tables where table_schema = 'public'")
        for (table,) in names.fetchall():
            rows = database.execute(sql.SQL("select * from {}").format(sql.Identifier(table)))
            columns = [column.name for column in rows.description or ()]
            for row in rows:
                values = dict(zip(columns, row, strict=True))
                about = values.get("case_id") or values.get("object_key") or ""
                yield Place(TABLE, f"{table} about {about}", repr(values).encode())
