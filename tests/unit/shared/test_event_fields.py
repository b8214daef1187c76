"""An event leads no service to another object, and no field of it breaks a database or a date."""

from collections.abc import Callable

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from medulla.v1.common_pb2 import Bag, Plan, Slide, StoredObject
from medulla.v1.events_pb2 import CaseScored, Progress, SlideEmbedded, SlideRejected

from shared import keys
from shared.bus.event_fields import check
from shared.bus.events import decoder, to_record
from shared.errors import PoisonMessageError
from shared.units import CaseId, Sha256

A, B, C, D = (Sha256(letter * 64) for letter in "abcd")
OTHERS = ("clinical/MB-2.json", "../MB-2", "/etc/passwd", "plans//x", "models/current.json", "s3://elsewhere/x")


def embedded() -> SlideEmbedded:
    return SlideEmbedded(
        event_id="e",
        slide=Slide(case_id="MB-1", slide_id="a", digest=A, object=StoredObject(key="slides/MB-1/a.svs")),
        plan=Plan(digest=B, prefix=keys.plan_prefix(A, B)),
        bag=Bag(key=f"{keys.bag_prefix(A, B, C)}bag.safetensors", digest=D, encoder_digest=C),
    )


def scored(key: str) -> CaseScored:
    return CaseScored(event_id="e", case_id="MB-1", score_id=A, score_key=key)


def rejected(thumbnail: str) -> SlideRejected:
    return SlideRejected(event_id="e", case_id="MB-1", thumbnail_key=thumbnail)


def test_events_as_services_send_them_pass() -> None:
    events = (
        embedded(),
        scored(keys.score(CaseId("MB-1"), A)),
        rejected(keys.plan_prefix(A, B) + keys.THUMBNAIL),
        rejected(""),
    )
    for event in events:
        check(event)
    assert decoder(SlideEmbedded)(to_record(embedded(), "embedder")) == embedded()


CHANGES: dict[str, Callable[[SlideEmbedded, str], object]] = {
    "object": lambda event, key: setattr(event.slide.object, "key", key),
    "file": lambda event, key: event.slide.files.add(key=key),
    "plan": lambda event, key: setattr(event.plan, "prefix", key),
    "bag": lambda event, key: setattr(event.bag, "key", key),
}


@pytest.mark.parametrize("key", OTHERS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_key_that_is_not_the_events_own_is_poison(change: str, key: str) -> None:
    event = embedded()
    CHANGES[change](event, key)
    with pytest.raises(PoisonMessageError, match="no key of its own"):
        decoder(SlideEmbedded)(to_record(event, "embedder"))


@pytest.mark.parametrize("key", OTHERS)
def test_a_score_or_thumbnail_elsewhere_is_poison(key: str) -> None:
    for event in (scored(key), rejected(key)):
        with pytest.raises(PoisonMessageError, match="no key of its own"):
            check(event)


@pytest.mark.parametrize(
    "event",
    [
        SlideRejected(event_id="e", case_id="MB-1", sentence="no\0"),
        SlideRejected(event_id="e", case_id="MB-1", object_key="slides/\0"),
        SlideRejected(event_id="e", case_id="MB-1", slide_id="a" * 65),
        Progress(event_id="e" * 65, case_id="MB-1", slide_id="a"),
        Progress(event_id="e", case_id="MB-1", slide_id="a", at=Timestamp(seconds=10**18)),
        Progress(event_id="e", case_id="MB-1", slide_id="a", at=Timestamp(nanos=-1)),
    ],
)
def test_what_no_database_takes_is_poison(event: SlideRejected | Progress) -> None:
    with pytest.raises(PoisonMessageError, match=r"NUL|characters|no time"):
        check(event)
