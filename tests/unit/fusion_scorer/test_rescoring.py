"""A case of another bundle is read once, under a revision that is reserved before; what changes meanwhile wins."""

from collections.abc import Callable
from pathlib import Path

import pytest
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored

from services.fusion_scorer.case_record import CaseRecord
from services.fusion_scorer.errors import BadBagError
from shared import keys, model_keys
from shared.blob.memory import MemoryStore
from shared.bus.s3_events import ObjectHint
from tests.support.counting_store import CountingStore
from tests.support.fusion import clinical_json
from tests.support.scorer import CASE, Scorer

MOST_REQUESTS = 18
"""Of one slide and a record, the look for a stop included: 17 otherwise."""
LEFT = f"{2 * 10**17:016x}"
"""A revision that was reserved by a clock that is ahead."""


class WatchedStore(CountingStore):
    """Calls `on_put` before it writes a key that contains its text."""

    on_put: tuple[str, Callable[[], object]] | None = None

    def put_new(self, key: str, data: bytes) -> bool:
        self._watch(key)
        return super().put_new(key, data)

    def _watch(self, key: str) -> None:
        if self.on_put and self.on_put[0] in key:
            call, self.on_put = self.on_put[1], None
            call()


@pytest.fixture
def store() -> WatchedStore:
    return WatchedStore(MemoryStore())


@pytest.fixture
def promoted(store: WatchedStore, tmp_path: Path) -> Scorer:
    """A case with a slide and a record that was scored, and another bundle promoted since."""
    scorer = Scorer(tmp_path, store)
    scorer.promote()
    scorer.slide("A", (0, 2))
    scorer.land("clinical/MB-1.json", clinical_json(stage="M0"))
    scorer.score_case(CASE)
    scorer.promote("better")
    scorer.bundles.promoted()
    return scorer


def request(scorer: Scorer) -> CaseRescoreRequested:
    (event,) = scorer.requested(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla"))
    return event


def rescored(scorer: Scorer) -> CaseScored:
    (event,) = scorer.in_background(request(scorer))
    assert isinstance(event, CaseScored)
    return event


def places(scorer: Scorer) -> list[str]:
    return [info.key for info in scorer.store.list(keys.places(CASE))]


def test_a_rescored_case_costs_a_bounded_number_of_requests(promoted: Scorer, store: WatchedStore) -> None:
    event = request(promoted)
    store.requests.clear()
    assert list(promoted.in_background(event))
    assert store.requests.total() <= MOST_REQUESTS


def test_a_change_while_a_case_is_rescored_gets_the_greater_revision(promoted: Scorer, store: WatchedStore) -> None:
    live = list[CaseScored]()

    def change() -> None:
        promoted.land("clinical/MB-1.json", clinical_json(stage="M1"))
        live.append(promoted.score_case(CASE))

    store.on_put = keys.SCORES, change
    event = rescored(promoted)
    assert event.score_id != live[0].score_id
    assert event.revision < live[0].revision
    assert not promoted.changes.outdated(CASE)


def test_a_rescoring_that_was_killed_leaves_the_last_state_and_the_next_one_clears_up(
    promoted: Scorer, store: WatchedStore
) -> None:
    before = CaseRecord(store).last(CASE)

    def die() -> None:
        store.put(f"{keys.places(CASE)}{LEFT}.json", store.get(max(places(promoted))))
        raise KeyboardInterrupt

    store.on_put = keys.SCORES, die
    with pytest.raises(KeyboardInterrupt):
        rescored(promoted)
    assert CaseRecord(store).last(CASE) == before
    assert not promoted.changes.outdated(CASE)
    assert rescored(promoted).revision > LEFT
    assert len(places(promoted)) == 1


def test_a_case_that_cannot_be_rescored_keeps_no_reservation(promoted: Scorer) -> None:
    for info in list(promoted.store.list("embeddings/")):
        promoted.store.delete(info.key)
    before = places(promoted)
    with pytest.raises(BadBagError):
        rescored(promoted)
    assert places(promoted) == before


def test_an_input_of_the_future_is_scored_above_its_date(promoted: Scorer) -> None:
    promoted.slide("A", (0, 4), minutes=60 * 24 * 365 * 500)
    live = promoted.score_case(CASE)
    promoted.promote("best")
    assert rescored(promoted).revision > live.revision
    assert len(places(promoted)) == 1


def test_a_bundle_promoted_back_gives_a_state_of_its_own(promoted: Scorer) -> None:
    better = rescored(promoted)
    promoted.promote()
    first = rescored(promoted)
    promoted.promote("better")
    again = rescored(promoted)
    assert better.score_id == again.score_id != first.score_id
    assert better.revision < first.revision < again.revision
