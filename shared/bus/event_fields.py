"""Checks the fields of an event: texts that a database takes, times of the calendar, keys where they belong.

An event may come from anyone who can write to the bus; its keys must not lead a service to other objects.
"""

import re
from collections.abc import Iterator, Sequence

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from medulla.v1.events_pb2 import CaseScored, SlideEmbedded, SlideRejected, SlideTiled

from shared import keys
from shared.errors import PoisonMessageError
from shared.units import CaseId, Sha256

LONGEST_ID = 64
_IDS = ("event_id", "slide_id", "score_id")
_THUMBNAIL = re.compile(rf"plans/[0-9a-f]{{64}}/[0-9a-f]{{64}}/{re.escape(keys.THUMBNAIL)}")


def check(event: Message) -> None:
    """Check an event that was decoded.

    Raises:
        PoisonMessageError: a field holds what no service sends.
    """
    for name, value in _fields(event):
        if isinstance(value, str) and "\0" in value:
            raise PoisonMessageError(f"a {event.DESCRIPTOR.name} whose {name} holds NUL")
        if isinstance(value, str) and name in _IDS and len(value) > LONGEST_ID:
            raise PoisonMessageError(f"a {event.DESCRIPTOR.name} whose {name} has {len(value)} characters")
        if isinstance(value, Timestamp) and not _is_time(value):
            raise PoisonMessageError(f"a {event.DESCRIPTOR.name} whose {name} is no time")
    for name, key in _misplaced(event):
        raise PoisonMessageError(f"a {event.DESCRIPTOR.name} whose {name} is {key[:200]!r}, no key of its own")


def _fields(message: Message) -> Iterator[tuple[str, object]]:
    for field, value in message.ListFields():
        values: Sequence[object] = value if field.is_repeated else (value,)
        for each in values:
            yield field.name, each
            if isinstance(each, Message) and not isinstance(each, Timestamp):
                yield from _fields(each)


def _is_time(value: Timestamp) -> bool:
    try:
        value.ToDatetime()
    except (ValueError, OverflowError):
        return False
    return True


def _misplaced(event: Message) -> Iterator[tuple[str, str]]:
    """Name and value of each key that is set and does not follow from the rest of the event."""
    if isinstance(event, SlideTiled | SlideEmbedded):
        yield from _misplaced_of_slide(event)
    if isinstance(event, CaseScored):
        yield from _unless(event.score_key, keys.score(CaseId(event.case_id), Sha256(event.score_id)), "score_key")
    if isinstance(event, SlideRejected) and event.thumbnail_key and not _THUMBNAIL.fullmatch(event.thumbnail_key):
        yield "thumbnail_key", event.thumbnail_key


def _misplaced_of_slide(event: SlideTiled | SlideEmbedded) -> Iterator[tuple[str, str]]:
    slide, plan = Sha256(event.slide.digest), Sha256(event.plan.digest)
    own = keys.slides(CaseId(event.slide.case_id))
    for file in (event.slide.object, *event.slide.files):
        yield from _unless(file.key[: len(own)], own, "object")
    yield from _unless(event.plan.prefix, keys.plan_prefix(slide, plan), "plan")
    if isinstance(event, SlideEmbedded):
        bags = keys.embeddings(slide)
        yield from _unless(event.bag.key[: len(bags)], bags, "bag")


def _unless(key: str, expected: str, name: str) -> Iterator[tuple[str, str]]:
    if key and key != expected:
        yield name, key
