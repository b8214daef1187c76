"""A bucket may announce every object: work on an event of what services write must not write again."""

import pytest

from services.fusion_scorer.promoted import Bundles
from services.fusion_scorer.routes import routes
from shared import keys, model_keys
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.home import Home
from shared.route import Route
from shared.units import CaseId

CASE, DIGEST = CaseId("case-1"), sha256(b"any")


def _of_objects(store: MemoryStore) -> Route[ObjectHint]:
    served = routes(store, Bundles(store), MemoryBus().producer(), "0.0", lambda _: None, Home("medulla"))
    return next(route for route in served if route.topic == topics.S3_EVENTS)


@pytest.mark.parametrize(
    "key",
    [
        keys.attempt("fusion_scorer", DIGEST),
        keys.attempt("fusion_scorer", DIGEST, CASE),
        keys.erased(CASE),
        keys.score(CASE, DIGEST),
        f"{keys.places(CASE)}1.json",
        f"{keys.landings(CASE)}S.svs.json",
        keys.bag_prefix(DIGEST, DIGEST, DIGEST) + "part-00000",
        f"{keys.SLIDES}{CASE}/S.svs",
    ],
)
def test_no_attempt_is_marked_at_an_object_that_is_not_read(key: str) -> None:
    assert not _of_objects(MemoryStore()).may_crash(ObjectHint(key, "bucket"))


@pytest.mark.parametrize("key", [keys.clinical(CASE), model_keys.CURRENT_BUNDLE])
def test_an_attempt_is_marked_at_an_object_that_is_read(key: str) -> None:
    assert _of_objects(MemoryStore()).may_crash(ObjectHint(key, "bucket"))
