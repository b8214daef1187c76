"""Events survive the way to the bus and back, and nothing else passes for one."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import CaseScored, Progress, SlideRejected, SlideTiled

from shared.bus import headers, topics
from shared.bus.events import TOPIC_OF, Event, context, decoder, event_id, pseudonyms, to_record
from shared.bus.port import Record
from shared.errors import PoisonMessageError

ids = st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}", fullmatch=True)


def tiled(case: str = "case-1", slide: str = "a", event: str = "event-1") -> SlideTiled:
    return SlideTiled(event_id=event, slide=Slide(case_id=case, slide_id=slide))


def with_header(record: Record, name: str, text: str) -> Record:
    return Record(record.topic, record.key, record.value, {**record.headers, name: text})


@given(case=ids, slide=ids, event=ids)
def test_an_event_comes_back_as_it_was_said(case: str, slide: str, event: str) -> None:
    sent = tiled(case, slide, event)
    record = to_record(sent, "tiler")
    assert decoder(SlideTiled)(record) == sent
    assert (record.topic, record.key) == (topics.SLIDES_TILED, case)


def test_the_headers_are_those_of_cloudevents() -> None:
    record = to_record(tiled(), "tiler")
    assert dict(record.headers) == {
        "ce_specversion": "1.0",
        "ce_id": "event-1",
        "ce_type": "medulla.v1.SlideTiled",
        "ce_source": "tiler",
        "ce_subject": "case-1/a",
        "content-type": "application/protobuf",
    }


def test_every_event_has_a_topic() -> None:
    assert set(TOPIC_OF) == set(get_args(Event))
    assert set(TOPIC_OF.values()) <= set(topics.ALL)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        (headers.CE_TYPE, "medulla.v2.SlideTiled", "of version 2"),
        (headers.CE_TYPE, "medulla.v1.CaseScored", "instead of medulla.v1.SlideTiled"),
        (headers.CE_TYPE, "", "not stated"),
        (headers.CE_SPECVERSION, "2.0", "CloudEvents version '2.0'"),
    ],
)
def test_another_type_or_version_is_poison(name: str, text: str, sentence: str) -> None:
    with pytest.raises(PoisonMessageError, match=sentence):
        decoder(SlideTiled)(with_header(to_record(tiled(), "tiler"), name, text))


@given(value=st.binary(max_size=80))
def test_garbled_bytes_are_an_event_with_its_ids_or_poison(value: bytes) -> None:
    record = to_record(tiled(), "tiler")
    try:
        event = decoder(SlideTiled)(Record(record.topic, record.key, value, record.headers))
    except PoisonMessageError:
        return
    assert event.event_id
    assert event.slide.case_id


def test_logs_name_the_case_the_slide_and_the_event() -> None:
    assert context(tiled()) == {"event_id": "event-1", "case_id": "case-1", "slide_id": "a"}
    assert context(CaseScored(event_id="e", case_id="c")) == {"event_id": "e", "case_id": "c"}
    assert context(SlideRejected(event_id="e", case_id="c", slide_id="")) == {"event_id": "e", "case_id": "c"}
    assert context(Progress(event_id="e", case_id="c", slide_id="s"))["slide_id"] == "s"
    assert context("something else") == {}


def test_logs_and_traces_carry_no_id_that_could_be_a_name() -> None:
    assert pseudonyms(tiled()) == context(tiled())
    assert pseudonyms(Progress(event_id="e", case_id="Anna Müller", slide_id="s")) == {"event_id": "e", "slide_id": "s"}


@given(first=st.lists(st.text(max_size=8), max_size=4), second=st.lists(st.text(max_size=8), max_size=4))
def test_an_event_id_is_stable_and_belongs_to_its_inputs(first: list[str], second: list[str]) -> None:
    assert event_id(SlideTiled, *first) == event_id(SlideTiled, *first)
    assert len(event_id(SlideTiled, *first)) == 32
    assert (event_id(SlideTiled, *first) == event_id(SlideTiled, *second)) == (first == second)
    assert event_id(SlideTiled, *first) != event_id(Progress, *first)
