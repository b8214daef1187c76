"""Bad input of every kind, with a patient's name and values in it: none of it reaches a log line."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideEmbedded, SlideRejected

from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.routes import routes as scorer_routes
from services.results.routes import routes as results_routes
from services.tiler.routes import routes as tiler_routes
from shared.blob.memory import MemoryStore
from shared.bus import headers, s3_events, topics
from shared.bus.events import Event, to_record
from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from shared.home import Home
from shared.route import Route, subscriptions
from shared.worker import Worker
from tests.support.bus import running
from tests.support.fusion import clinical_json, embedded, features, store_slide, write_bundle
from tests.support.logs import logging_as
from tests.support.polling import eventually
from tests.support.results import Results
from tests.support.slides import blank, cc0_bytes, garbled, truncated, without_mpp, write_tiff
from tests.support.tiling import tiling

NAME = "Anna Müller"
VALUE = "417.25"
"""A value that no time, port or digest holds by chance."""
SCORER, TILER, RESULTS = "fusion_scorer", "tiler", "results"


@dataclass(frozen=True)
class Landed:
    """An object that a lab sent."""

    reason: str
    key: str
    data: Callable[[Path], bytes]
    service: str = SCORER


@dataclass(frozen=True)
class ReceivedRecord:
    """A record on a topic."""

    reason: str
    record: Record
    service: str = SCORER


def clinical(data: bytes) -> Landed:
    return Landed("bad_clinical_record", "clinical/MB-1.json", lambda _: data)


def slide(reason: str, data: Callable[[Path], bytes], key: str = "slides/case-1/a.svs") -> Landed:
    return Landed(reason, key, data, TILER)


def with_name(data: bytes) -> bytes:
    return data + f"patient={NAME};age={VALUE}".encode()


def event(reason: str, message: Event, service: str = SCORER) -> ReceivedRecord:
    return ReceivedRecord(reason, to_record(message, "test"), service)


def enveloped(header: str, text: str) -> ReceivedRecord:
    record = to_record(CaseRescoreRequested(event_id="e", case_id="MB-1"), "test")
    return ReceivedRecord("poison_message", Record(record.topic, NAME, record.value, {**record.headers, header: text}))


def hint(text: str) -> ReceivedRecord:
    return ReceivedRecord("poison_message", Record(topics.S3_EVENTS, NAME, text.encode()))


ROWS: Sequence[Landed | ReceivedRecord] = [
    clinical(f'{{"case_id": "MB-1", "name": "{NAME}" {VALUE}'.encode()),
    clinical(f"{NAME},{VALUE}".encode("latin-1")),
    clinical(f'["{NAME}", {VALUE}]'.encode()),
    clinical(f'{{"{NAME}": {VALUE}, "{NAME}": {VALUE}}}'.encode()),
    clinical(clinical_json(age=float(VALUE))),
    clinical(clinical_json(stage=NAME)),
    clinical(clinical_json(site_id=NAME)),
    clinical(clinical_json(**{NAME: VALUE})),
    clinical(clinical_json(NAME, age=4)),
    clinical(clinical_json(note=NAME * 200_000)),
    Landed("bad_case_id", f"clinical/{NAME}.json", lambda _: clinical_json(NAME, age=float(VALUE))),
    Landed("bad_case_id", f"clinical/{NAME}.txt", lambda _: clinical_json(NAME, age=float(VALUE))),
    *(
        Landed("bad_case_id", f"vectors/{below}", lambda _: VALUE.encode())
        for below in (f"{NAME}.json", f"{NAME}/blood.json", f"{NAME}/blood.csv", f"MB-1/{NAME}/blood.json")
    ),
    slide("bad_case_id", lambda _: cc0_bytes(), f"slides/{NAME}/1.svs"),
    slide("not_a_slide", lambda _: with_name(b"Dear colleague, "), f"slides/case-1/{NAME}.svs"),
    slide("bad_case_id", lambda _: cc0_bytes(), f"slides/{NAME}.svs"),
    slide("not_a_slide", lambda _: with_name(b"Dear colleague, ")),
    slide("empty_object", lambda _: b""),
    slide("unreadable_slide", lambda _: with_name(truncated(0.6))),
    slide("unreadable_slide", lambda _: with_name(garbled(range(80)))),
    slide("no_resolution", lambda _: with_name(without_mpp())),
    slide("no_tissue", lambda f: with_name(write_tiff(f / "a.tif", blank()).read_bytes()), "slides/case-1/a.tif"),
    slide("slide_too_large", lambda _: with_name(cc0_bytes() + bytes(60_000_000))),
    hint(f"{NAME} {VALUE}"),
    hint(json.dumps({"patient": NAME})),
    hint(json.dumps({"Records": [{"patient": NAME, "age": VALUE}]})),
    hint(s3_events.to_bytes("medulla", [NAME]).decode().replace("ObjectCreated:Put", NAME)),
    enveloped(headers.CE_TYPE, NAME),
    enveloped(headers.CE_TYPE, "medulla.v2.CaseRescoreRequested"),
    enveloped(headers.CE_SPECVERSION, f"2.{NAME}"),
    ReceivedRecord("poison_message", Record(topics.CASES_RESCORE, NAME, NAME.encode())),
    event("bad_case_id", CaseRescoreRequested(event_id=NAME, case_id=NAME, cause=NAME)),
    event("bad_case_id", embedded(NAME, NAME, b"")),
    event("bad_case_id", CaseScored(event_id="e", case_id=NAME), RESULTS),
    event("bad_case_id", SlideRejected(event_id="e", case_id=NAME, slide_id=NAME, sentence=VALUE), RESULTS),
]


@pytest.fixture
def written() -> Iterator[Callable[[], str]]:
    """Everything that is logged, at every level."""
    with logging_as("test", "DEBUG") as logged:
        yield logged.text


@contextmanager
def served(service: str, bus: MemoryBus, store: MemoryStore, folder: Path) -> Iterator[Sequence[Route[Any]]]:
    """A service's routes on a store that holds what they need."""
    if service == TILER:
        with tiling(folder, store=store) as tiler:
            yield tiler_routes(tiler.on_landing, Home("medulla"))
    elif service == RESULTS:
        results = Results(folder)
        yield results_routes(store, results.store)
        results.close()
    else:
        promote(store, write_bundle(folder / "toy"))
        yield scorer_routes(store, Bundles(store), bus.producer(), "0.0", lambda _: None, Home("medulla"))


@pytest.mark.parametrize("row", ROWS)
def test_a_dead_letter_is_logged_without_a_word_of_its_input(
    row: Landed | ReceivedRecord, written: Callable[[], str], tmp_path: Path
) -> None:
    bus, store = MemoryBus(), MemoryStore()
    with served(row.service, bus, store, tmp_path) as routes:
        bus.producer().send([given(row, store, tmp_path)])
        consumer = bus.consumer(row.service, subscriptions(row.service, routes))
        with running(Worker(row.service, consumer, bus.producer(), routes).run):
            eventually(lambda: bus.records(topics.DEAD_LETTERS))
    lines = [json.loads(line) for line in written().splitlines()]
    assert [line["reason"] for line in lines if line["event"] == "dead letter"] == [row.reason]
    assert_nothing_of_a_patient(written())


def given(row: Landed | ReceivedRecord, store: MemoryStore, folder: Path) -> Record:
    """The record that brings the row to its service."""
    if isinstance(row, ReceivedRecord):
        return row.record
    store.put(row.key, row.data(folder))
    return s3_events.announcement(Home("medulla"), row.key)


def assert_nothing_of_a_patient(text: str) -> None:
    for word in (*NAME.split(), VALUE, "M%C3%BCller", "M\\u00fcller"):
        assert word not in text


def test_the_name_of_a_slide_that_is_no_pseudonym_is_not_logged(written: Callable[[], str], tmp_path: Path) -> None:
    bus, store = MemoryBus(), MemoryStore()
    older: SlideEmbedded = store_slide(store, "MB-1", NAME, features((0, 2)))
    with served(SCORER, bus, store, tmp_path) as routes:
        bus.producer().send([to_record(store_slide(store, "MB-1", NAME, features((0, 2)), 5), "test")])
        bus.producer().send([to_record(older, "test")])
        consumer = bus.consumer(SCORER, subscriptions(SCORER, routes))
        with running(Worker(SCORER, consumer, bus.producer(), routes).run):
            eventually(lambda: len(bus.records(topics.CASES_RESCORE)) == 2)
    assert "slides.embedded" in written()
    assert_nothing_of_a_patient(written())
