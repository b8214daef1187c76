"""A bad promotion does not stop scoring: the last good bundle is used, also after a restart, and it is told."""

from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from services.fusion_scorer.errors import NoBundleError
from services.fusion_scorer.last_good import LastGood
from services.fusion_scorer.promoted import Bundles
from shared import model_keys
from shared.bundle_in_use import BundleInUse
from shared.bus.s3_events import ObjectHint
from shared.canonical import canonical_json
from shared.health import HealthServer
from shared.model.bundle_files import VerifiedFiles
from shared.model.errors import BadBundleError
from tests.support.scorer import CASE, Scorer

POINTERS = {"names nothing stored": canonical_json({"digest": "f" * 64, "name": "never"}), "is garbled": b"{"}


class Service:
    """A scorer's process, started anew on a store."""

    def __init__(self, scorer: Scorer, now: list[float]) -> None:
        self.last_good = LastGood(scorer.store, lambda: now[0])
        self.bundles = Bundles(scorer.store, last_good=self.last_good)


def _is_refused() -> float | None:
    return REGISTRY.get_sample_value("medulla_promoted_bundle_refused")


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.mark.parametrize("pointer", POINTERS)
@pytest.mark.parametrize("is_restarted", [False, True])
def test_scoring_goes_on_with_the_last_good_bundle(
    scorer: Scorer, now: list[float], pointer: str, is_restarted: bool
) -> None:
    service = Service(scorer, now)
    good = service.bundles.promoted(waits=True)
    scorer.store.put(model_keys.CURRENT_BUNDLE, POINTERS[pointer])
    service = Service(scorer, now) if is_restarted else service
    instead = service.bundles.promoted(waits=True)
    assert (instead.bundle.digest, instead.since) == (good.bundle.digest, good.since)
    note = service.last_good.note
    assert note.startswith("the promoted bundle cannot be used, and toy stays in use: models/bundles/")
    assert _is_refused() == 1
    assert BundleInUse.stored(scorer.store) == BundleInUse(good.bundle.digest, "toy", good.since, note)


def test_a_case_gets_the_same_score_while_a_bad_bundle_is_promoted(scorer: Scorer, now: list[float]) -> None:
    scorer.score_case = replace(scorer.score_case, bundles=Service(scorer, now).bundles)
    scorer.slide("A", (0, 2))
    before = scorer.score_case(CASE)
    scorer.store.put(model_keys.CURRENT_BUNDLE, POINTERS["is garbled"])
    assert scorer.score_case(CASE) == before


def test_a_repaired_promotion_is_used_within_a_minute_and_a_new_one_at_once(scorer: Scorer, now: list[float]) -> None:
    service = Service(scorer, now)
    good = service.bundles.promoted(waits=True).bundle.digest
    newer = scorer.promote("newer")
    key = model_keys.bundle_prefix(newer) + "fused.json"
    content = scorer.store.get(key)
    scorer.store.put(key, b"{}")
    assert service.bundles.promoted(waits=True).bundle.digest == good
    scorer.store.put(key, content)
    assert service.bundles.promoted(waits=True).bundle.digest == good
    now[0] += 61
    assert service.bundles.promoted(waits=True).bundle.digest == newer
    assert (service.last_good.note, _is_refused()) == ("", 0)
    scorer.store.put(model_keys.CURRENT_BUNDLE, b"{")
    assert service.bundles.promoted(waits=True).bundle.digest == newer
    newest = scorer.promote("newest")
    assert service.bundles.promoted(waits=True).bundle.digest == newest


def test_a_bundle_that_takes_long_to_refuse_is_looked_at_rarely(scorer: Scorer, now: list[float]) -> None:
    looks: list[str] = []

    def slow(checked: VerifiedFiles) -> None:
        looks.append(checked.manifest.name)
        if checked.manifest.name == "newer":
            now[0] += 100
            raise BadBundleError("takes longer than 100 s to load")

    bundles = Bundles(scorer.store, trial=slow, last_good=LastGood(scorer.store, lambda: now[0]))
    good = bundles.promoted(waits=True).bundle
    scorer.promote("newer")
    for _ in range(20):
        assert bundles.promoted(waits=True).bundle is good
        now[0] += 100
    assert looks == ["toy", "newer"]
    now[0] += 100
    assert bundles.promoted(waits=True).bundle is good
    assert looks == ["toy", "newer", "newer"]


def test_without_a_bundle_that_was_ever_good_the_bad_one_is_refused(scorer: Scorer, now: list[float]) -> None:
    scorer.store.put(model_keys.CURRENT_BUNDLE, b"{")
    with pytest.raises(BadBundleError, match=r"current\.json does not name a bundle"):
        Service(scorer, now).bundles.promoted(waits=True)
    scorer.store.delete(model_keys.CURRENT_BUNDLE)
    with pytest.raises(NoBundleError):
        Service(scorer, now).bundles.promoted(waits=True)


def test_a_bad_promotion_is_reported_once_and_announced_again_when_it_is_good(scorer: Scorer, now: list[float]) -> None:
    bundles = Service(scorer, now).bundles
    landing, good = replace(scorer.landing, bundles=bundles), bundles.promoted(waits=True)
    scorer.store.put(model_keys.CURRENT_BUNDLE, b"{")
    with pytest.raises(BadBundleError):
        list(landing(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla")))
    pointer = scorer.store.head(model_keys.CURRENT_BUNDLE)
    assert pointer is not None
    assert not landing.unseen_promotion(pointer)
    scorer.promote("newer")
    pointer = scorer.store.head(model_keys.CURRENT_BUNDLE)
    assert pointer is not None
    assert pointer != good.pointer
    assert landing.unseen_promotion(pointer)


def test_readyz_says_it_and_stays_ready() -> None:
    with HealthServer("127.0.0.1", 0, notes={"bundle": lambda: "the last good one", "more": lambda: ""}) as server:
        answer = server.answer("/readyz")
        assert (answer.status, answer.body) == (
            200,
            b'{"ok": true, "failing": {}, "notes": {"bundle": "the last good one"}}',
        )
        assert b"notes" not in server.answer("/livez").body
