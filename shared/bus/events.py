"""Protobuf events as records and back: CloudEvents headers, key = case_id."""

import re
from collections.abc import Callable
from typing import TypeAlias, TypeVar

from google.protobuf.message import DecodeError, Message
from medulla.v1.events_pb2 import (
    CaseEraseRequested,
    CaseRescoreRequested,
    CaseScored,
    Progress,
    SlideEmbedded,
    SlideRejected,
    SlideTiled,
)

from shared.bus import event_fields, headers, topics
from shared.bus.port import Record
from shared.canonical import digest_of
from shared.errors import PoisonMessageError
from shared.pseudonyms import is_derived, is_pseudonym
from shared.text import capped
from shared.tracing import inject

Event: TypeAlias = (
    SlideTiled | SlideEmbedded | CaseRescoreRequested | CaseScored | CaseEraseRequested | SlideRejected | Progress
)
E = TypeVar(
    "E", SlideTiled, SlideEmbedded, CaseRescoreRequested, CaseScored, CaseEraseRequested, SlideRejected, Progress
)

SPECVERSION = "1.0"
TOPIC_OF: dict[type[Message], str] = {
    SlideTiled: topics.SLIDES_TILED,
    SlideEmbedded: topics.SLIDES_EMBEDDED,
    CaseRescoreRequested: topics.CASES_RESCORE,
    CaseScored: topics.CASES_SCORED,
    CaseEraseRequested: topics.CASES_ERASE,
    SlideRejected: topics.SLIDES_REJECTED,
    Progress: topics.PROGRESS,
}

_BACKGROUND: dict[type[Message], str] = {
    CaseRescoreRequested: topics.CASES_RESCORE_BACKGROUND,
    CaseScored: topics.CASES_SCORED_BACKGROUND,
}
"""Topics of events that say `background`."""
_MAY_NAME_NO_CASE: frozenset[type[Message]] = frozenset({SlideRejected})
"""Events about objects whose keys may name no case."""


def event_id(kind: type[Message], *inputs: str) -> str:
    """An event id from the event's type and its inputs: 32 hex characters, the same on every retry."""
    return digest_of((kind.DESCRIPTOR.full_name, *inputs))[:32]


def context(event: object) -> dict[str, str]:
    """The ids that an event carries: event_id, case_id and slide_id where it has them."""
    if not isinstance(event, Event):
        return {}
    slide = event.slide if isinstance(event, SlideTiled | SlideEmbedded) else event
    named = {"event_id": event.event_id, "case_id": slide.case_id, "slide_id": getattr(slide, "slide_id", "")}
    return {name: value for name, value in named.items() if value}


def pseudonyms(event: object) -> dict[str, str]:
    """The ids of an event that logs and traces may carry: an id that is no pseudonym may be a person's name."""
    return {name: text for name, text in context(event).items() if is_pseudonym(text) and not is_derived(text)}


def to_record(event: Event, source: str) -> Record:
    """The record of an event for its topic, with the current trace; `source` is the sending service.

    Texts for people are capped, so that the record fits the bus.
    """
    about = context(event)
    attributes = {
        headers.CE_SPECVERSION: SPECVERSION,
        headers.CE_ID: event.event_id,
        headers.CE_TYPE: event.DESCRIPTOR.full_name,
        headers.CE_SOURCE: source,
        headers.CE_SUBJECT: "/".join(about[name] for name in ("case_id", "slide_id") if name in about),
        headers.CONTENT_TYPE: "application/protobuf",
    }
    inject(attributes)
    value = _bounded(event).SerializeToString(deterministic=True)
    return Record(_topic(event), about.get("case_id", ""), value, attributes)


def _topic(event: Event) -> str:
    is_background = isinstance(event, CaseRescoreRequested | CaseScored) and event.background
    return (_BACKGROUND if is_background else TOPIC_OF)[type(event)]


def _bounded(event: Event) -> Event:
    if not isinstance(event, SlideRejected):
        return event
    bounded = SlideRejected()
    bounded.CopyFrom(event)
    bounded.sentence, bounded.advice = capped(event.sentence), capped(event.advice)
    return bounded


def decoder(kind: type[E]) -> Callable[[Record], E]:
    """A function that reads a record as an event of type `kind`.

    The function raises PoisonMessageError for another type, another major version, garbled bytes, fields that no
    service sends or an event without its id or case; the refusal of an upload whose key names no case has no case.
    """

    def decode(record: Record) -> E:
        _check_envelope(record, kind.DESCRIPTOR.full_name)
        event = _parse(kind, record.value)
        about = context(event)
        if "event_id" not in about or ("case_id" not in about and kind not in _MAY_NAME_NO_CASE):
            raise PoisonMessageError(f"a {kind.DESCRIPTOR.name} without an event id or a case id")
        event_fields.check(event)
        return event

    return decode


def _check_envelope(record: Record, expected: str) -> None:
    kind = record.headers.get(headers.CE_TYPE, "")
    if kind != expected:
        raise PoisonMessageError(_unexpected_type(kind, expected))
    version = record.headers.get(headers.CE_SPECVERSION, "")
    if version.partition(".")[0] != SPECVERSION.partition(".")[0]:
        raise PoisonMessageError(f"CloudEvents version {version!r} instead of {SPECVERSION}")


def _unexpected_type(kind: str, expected: str) -> str:
    newer = re.fullmatch(r"medulla\.v(\d+)\.\w+", kind)
    if newer and newer[1] != "1":
        return f"event type {kind} is of version {newer[1]}; this service understands {expected}"
    return f"event type {kind or 'not stated'!r} instead of {expected}"


def _parse(kind: type[E], value: bytes) -> E:
    try:
        return kind.FromString(value)
    except DecodeError as error:
        raise PoisonMessageError(f"{len(value)} bytes that are no {kind.DESCRIPTOR.name}") from error
