"""Sweeps of a bucket in which nothing changed cost the pages of its listings, in memory and on S3 alike."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.fusion_scorer.case_index import InputEntry
from services.fusion_scorer.landed_input import landed_input
from services.tiler.errors import UnreadableSlideError
from services.tiler.landings import Landings
from services.tiler.messages import slide_rejected
from services.tiler.planner import PlanSpec
from services.tiler.resolution import MppTable, Override
from services.tiler.unplanned import Unplanned
from shared import keys
from shared.keys import SlideKey
from shared.slides.listing import SlideListing
from shared.units import CaseId
from tests.support.counting_store import PAGE, CountingStore
from tests.support.object_stores import new_blob_store
from tests.support.scorer import Scorer

SIZES = [("memory", 10), ("memory", 1_100), ("s3", 10)]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}-{size[1]}")
def bucket(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[CountingStore, list[CaseId]]:
    kind, cases = request.param
    return CountingStore(new_blob_store(kind, request, tmp_path)), [CaseId(f"C-{n}") for n in range(cases)]


def _pages(store: CountingStore, *prefixes: str) -> int:
    return sum(max(1, -(-len(list(store.list(prefix))) // PAGE)) for prefix in prefixes)


def _cost(store: CountingStore, sweep: Callable[[], object]) -> dict[str, int]:
    store.requests.clear()
    sweep()
    return dict(store.requests)


def test_slides_that_all_have_an_outcome(bucket: tuple[CountingStore, list[CaseId]]) -> None:
    store, cases = bucket
    listing, landings = SlideListing(store), Landings(store, PlanSpec())
    for case in cases:
        store.put(f"{keys.slides(case)}A.svs", b"")
        (slide,) = listing.of_case(keys.slides(case))
        refusal = slide_rejected(
            SlideKey(case, slide.slide_id), slide.files[0].key, slide.files[0], UnreadableSlideError("it is empty")
        )
        landings.remember(slide, Override(), refusal)
    unplanned = Unplanned(store, listing, [landings], MppTable())
    assert list(unplanned()) == []
    pages = _pages(store, keys.SLIDES, keys.LANDINGS)
    assert _cost(store, lambda: list(unplanned())) == {"list": pages}
    changed = store.put(f"{keys.slides(cases[3])}A.svs", b"other bytes")
    assert [info.key for info in unplanned()] == [changed.key]
    assert _cost(store, lambda: list(unplanned())) == {"list": pages, "head": 1}


def test_inputs_that_were_all_looked_at(bucket: tuple[CountingStore, list[CaseId]], tmp_path: Path) -> None:
    store, cases = bucket
    scorer = Scorer(tmp_path, store)
    for case in cases:
        info = store.put(keys.clinical(case), b"{}")
        landed = landed_input(info.key)
        assert landed is not None
        scorer.index.put_input(landed, InputEntry(info.key, info.etag, "", info.last_modified.isoformat(), None))
    assert (list(scorer.landing.unseen_inputs()), scorer.landing.sweep_cases()) == ([], 0)
    assert list(scorer.landing.unseen_inputs()) == []
    inputs, every = (keys.CLINICAL, keys.VECTORS, keys.CASES), (*keys.LANDED, keys.CASES)
    assert _cost(store, lambda: list(scorer.landing.unseen_inputs())) == {"list": _pages(store, *inputs)}
    assert _cost(store, scorer.landing.sweep_cases) == {"list": _pages(store, *every)}
    changed = store.put(keys.clinical(cases[3]), b"[]")
    assert [info.key for info in scorer.landing.unseen_inputs()] == [changed.key]
