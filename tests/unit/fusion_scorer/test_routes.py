"""What the scorer listens to: a bucket that announces every object must not feed on what the services write."""

from typing import cast

import pytest

from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.routes import routes
from shared import keys
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.units import CaseId, SlideId

CASE, DIGEST = CaseId("case-1"), sha256(b"")
WRITTEN = [
    keys.attempt("fusion_scorer", DIGEST),
    keys.attempt("fusion_scorer", DIGEST, CASE),
    keys.indexed_slide(CASE, SlideId("S.svs"), "1"),
    keys.places(CASE) + "1.json",
    keys.cases_of(DIGEST) + CASE,
    keys.landings(CASE) + "S.svs.json",
    keys.erased(CASE),
    keys.score(CASE, DIGEST),
    keys.plan_prefix(DIGEST, DIGEST) + keys.PLAN,
    keys.RESCORED,
]


@pytest.mark.parametrize("key", WRITTEN)
def test_an_event_about_what_a_service_wrote_writes_nothing(key: str) -> None:
    assert not counts_deaths(key)


@pytest.mark.parametrize("key", [keys.clinical(CASE), keys.CURRENT_BUNDLE])
def test_deaths_at_work_on_records_and_bundles_are_counted(key: str) -> None:
    assert counts_deaths(key)


def counts_deaths(key: str) -> bool:
    """Whether the scorer marks in the bucket that it is at work on an event about the object."""
    served = routes(MemoryStore(), cast(Bundles, None), MemoryBus().producer(), "0.0", lambda _: None)
    (landing,) = (route for route in served if route.topic == topics.S3_EVENTS)
    return landing.deadly(ObjectHint(key, "bucket"))
