"""A name in every place that a lab controls, and a flipped byte in the database: neither may pass unnoticed."""

import json
from collections.abc import Iterator

import psycopg

from shared.bus import topics
from tests.chaos.history import Landed, settle
from tests.chaos.landing import FUSED, RECORD_ONLY
from tests.chaos.row import Row
from tests.chaos.size import Size
from tests.stack.services import SERVICES
from tests.support import slides
from tests.support.system import CLINICAL, System

NAME = "Quagmire7431"
_DESCRIBED = f"|P = {NAME}"
"""As long as the field of the slide's description that it replaces."""
_CASE = "CHAOS-canary"
_OUR_TOPICS = tuple(topic for topic in topics.ALL if topic != topics.S3_EVENTS)
"""What the bucket itself announces repeats what the lab wrote."""
_RECORD, _REFUSED = f"{_CASE}-record", f"{_CASE}-refused"
_QUOTES = (topics.DEAD_LETTERS, topics.SLIDES_REJECTED, f"cases/{_RECORD}/", "REST answer")
"""Where a refusal quotes what it refuses, for those who may see the case."""
_PATIENCE_S = 600.0


def run(system: System, seed: int, size: Size) -> list[Row]:
    """The name is nowhere but where it was put, and the audit says that a score was altered."""
    _plant(system)
    landed = [Landed(_CASE, FUSED), Landed(_RECORD, "bad_clinical_record"), Landed(_REFUSED, "not_a_slide")]
    settle(landed, system.case, _PATIENCE_S)
    places = dict(_places(system))
    leaks = sorted(name for name, content in places.items() if NAME.encode() in content and not _is_quote(name))
    figure = f"{len(places)} places searched; in {', '.join(leaks) or 'none'}"
    return [
        Row(
            "A patient's name in slide, object and record is nowhere but in the refusal of the record that quotes it",
            figure,
            bool(places) and not leaks,
            seed,
            size.name,
        ),
        _flipped(system, seed, size.name),
    ]


def _is_quote(name: str) -> bool:
    return _RECORD in name and name.startswith(_QUOTES)


def _plant(system: System) -> None:
    """In the slide's description, in the object's own metadata, and as a field and as a value of a record."""
    data = slides.cc0_bytes().replace(b"|Filename = CMU-1", _DESCRIBED.encode(), 1) + NAME.encode()
    for case_id, content in ((_CASE, data), (_REFUSED, NAME.encode())):
        key, named = f"slides/{case_id}/slide.svs", {"patient": NAME}
        system.s3.put_object(Bucket=system.bucket, Key=key, Body=content, Metadata=named, Tagging=f"patient={NAME}")
    system.land_record(_CASE)
    record = json.loads(CLINICAL.read_text()) | {"case_id": _RECORD, NAME: NAME, "sex": NAME}
    system.land(f"clinical/{_RECORD}.json", json.dumps(record).encode())


def _places(system: System) -> Iterator[tuple[str, bytes]]:
    for service in system.services.values():
        yield f"log of {service.name}", service.program.log.read_bytes()
        yield f"metrics of {service.name}", service.metrics().encode()
    for topic in (*_OUR_TOPICS, *map(topics.retry_topic, SERVICES)):
        for delivery in system.read(topic):
            name = f"{topic} about {delivery.record.key}, {delivery.partition}/{delivery.offset}"
            yield name, repr(delivery.record).encode()
    for info in system.store.list(""):
        if not info.key.startswith(("slides/", "clinical/")):
            yield info.key, info.key.encode() + system.store.get(info.key)
    for case_id in (_CASE, _RECORD, _REFUSED):
        yield f"REST answer of {case_id}", json.dumps([system.case(case_id), system.scores(case_id)]).encode()


def _flipped(system: System, seed: int, size: str) -> Row:
    """Alter a character of a stored score, ask, and put it back."""
    system.land_record(f"{_CASE}-flip")
    settle([Landed(f"{_CASE}-flip", RECORD_ONLY)], system.case, _PATIENCE_S)
    intact = bool(system.get("/api/v1/audit/verify")["intact"])
    change = "update scores set body = replace(body, %s, %s) where case_id = %s"
    with psycopg.connect(system.surroundings.database_url.replace("+psycopg", ""), autocommit=True) as database:
        database.execute(change, ('"simulated"', '"simulatee"', f"{_CASE}-flip"))
        altered = bool(system.get("/api/v1/audit/verify")["intact"])
        database.execute(change, ('"simulatee"', '"simulated"', f"{_CASE}-flip"))
    figure = f"before: {_in_words(intact)}; with one character changed: {_in_words(altered)}"
    return Row("One flipped byte of what the audit covers is noticed", figure, intact and not altered, seed, size)


def _in_words(intact: bool) -> str:
    return "intact" if intact else "not intact"
