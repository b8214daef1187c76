"""What services write of an erased case before they are killed is swept; what other cases hold stays."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.fusion_scorer.late_objects import SweepErased
from shared import keys
from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import sha256
from shared.erased import ErasedCases
from shared.units import CaseId, Sha256
from tests.support.dying_store import DyingStore
from tests.support.erasures import INTERRUPTIONS, erase, keys_of, kill_tiler
from tests.support.slides import cc0_bytes
from tests.support.tiling import tiling

CASE, OTHER = CaseId("canary-7"), CaseId("canary-77")
SLIDE, PLAN, SCORE = sha256(cc0_bytes()), Sha256("d" * 64), Sha256("e" * 64)
MARKERS = [keys.erased(CASE), keys.erased_slide(SLIDE)]


def _after_days(store: BlobStore) -> SweepErased:
    return SweepErased(store, now=lambda: datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(("interrupted_at", "dies_after"), INTERRUPTIONS)
@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_no_part_of_a_plan_stays_whose_tiler_was_killed_after_the_erasure(
    kind: str, interrupted_at: int, dies_after: int, tmp_path: Path
) -> None:
    store: BlobStore = MemoryStore() if kind == "memory" else FolderStore(tmp_path / "bucket")
    kill_tiler(store, tmp_path, CASE, interrupted_at, dies_after)
    assert len(list(store.list(f"plans/{SLIDE}/"))) == dies_after - interrupted_at
    SweepErased(store)()
    assert keys_of(store) == sorted(MARKERS)


@pytest.mark.parametrize("name", [f"{keys.bag_prefix(SLIDE, PLAN, SCORE)}part-00000", keys.attention(SLIDE, SCORE)])
def test_a_late_object_derived_from_a_slide_is_erased(name: str) -> None:
    store = MemoryStore()
    store.put(keys.landed_slide(CASE, SLIDE), f"plans/{SLIDE}/".encode())
    erase(store, CASE)
    store.put(name, b"late")
    SweepErased(store)()
    assert keys_of(store) == sorted(MARKERS)


@pytest.mark.parametrize(
    "name",
    [
        f"{keys.indexed(CASE)}known.json",
        keys.score(CASE, SCORE),
        f"{keys.landings(CASE)}outcome.json",
        keys.case_of(SLIDE, CASE),
    ],
)
def test_a_late_object_of_an_erased_case_is_erased(name: str) -> None:
    store = MemoryStore()
    erase(store, CASE)
    store.put(name, b"{}")
    SweepErased(store)()
    assert set(keys_of(store)) <= set(MARKERS)


def test_a_slide_that_a_late_index_entry_names_is_erased() -> None:
    store = MemoryStore()
    erase(store, CASE)
    store.put(f"{keys.indexed_slides(CASE)}S.json", f"plans/{SLIDE}/".encode())
    store.put(keys.plan_prefix(SLIDE, PLAN) + keys.THUMBNAIL, b"tissue")
    SweepErased(store)()
    assert keys_of(store) == sorted(MARKERS)


def test_a_slide_of_an_erased_case_is_named_for_a_day() -> None:
    store = MemoryStore()
    store.put(keys.landed_slide(CASE, SLIDE), f"plans/{SLIDE}/".encode())
    erase(store, CASE)
    SweepErased(store)()
    assert keys_of(store) == sorted(MARKERS)
    store.put(keys.plan_prefix(SLIDE, PLAN) + keys.THUMBNAIL, b"written by a process that is long dead")
    _after_days(store)()
    assert keys_of(store) == [keys.erased(CASE)]


def test_inputs_that_landed_after_the_erasure_stay() -> None:
    store = MemoryStore()
    erase(store, CASE)
    for key in (f"{keys.slides(CASE)}S.svs", keys.clinical(CASE), f"{keys.vectors(CASE)}v.json"):
        store.put(key, b"input")
    store.put(f"{keys.landings(CASE)}outcome.json", b"{}")
    SweepErased(store)()
    inputs = [key for key in keys_of(store) if not key.startswith(keys.ERASED)]
    assert inputs == [keys.clinical(CASE), f"{keys.slides(CASE)}S.svs", f"{keys.vectors(CASE)}v.json"]


def test_nothing_of_a_case_that_holds_the_slide_too_is_erased(tmp_path: Path) -> None:
    store = MemoryStore()
    with tiling(tmp_path, store=store) as tiler:
        tiler.plan(f"{keys.slides(OTHER)}S.svs", cc0_bytes())
        store.put(keys.attention(SLIDE, SCORE), b"map")
        store.put(f"{keys.indexed(OTHER)}known.json", b"{}")
        living = keys_of(store)
        tiler.plan(f"{keys.slides(CASE)}S.svs", cc0_bytes())
    erase(store, CASE)
    SweepErased(store)()
    assert set(keys_of(store)) == {*living, *MARKERS}
    _after_days(store)()
    assert set(keys_of(store)) == {*living, keys.erased(CASE)}


@pytest.mark.parametrize("interrupted_at", range(4))
def test_the_plan_of_a_case_at_work_stays_when_another_case_with_the_slide_is_erased(
    interrupted_at: int, tmp_path: Path
) -> None:
    store, key = MemoryStore(), f"{keys.slides(OTHER)}S.svs"
    store.put(keys.landed_slide(CASE, SLIDE), f"plans/{SLIDE}/".encode())
    store.put(keys.case_of(SLIDE, CASE), b"{}")

    def erase_other_case() -> None:
        erase(store, CASE)
        _after_days(store)()

    never = 99
    with tiling(tmp_path, store=DyingStore(store, "plans/", erase_other_case, interrupted_at, never)) as tiler:
        event = tiler.plan(key, cc0_bytes())
        assert len(list(store.list(event.plan.prefix))) == 4


def test_the_plan_of_a_case_whose_erasure_was_lifted_stays(tmp_path: Path) -> None:
    store = MemoryStore()
    with tiling(tmp_path, store=store) as tiler:
        tiler.plan(f"{keys.slides(CASE)}S.svs", cc0_bytes())
        erase(store, CASE)
        ErasedCases(store).lift(CASE)
        tiler.plan(f"{keys.slides(CASE)}S.svs", cc0_bytes())
    living = keys_of(store)
    SweepErased(store)()
    assert keys_of(store) == living


def test_a_bucket_without_erased_cases_is_listed_no_further() -> None:
    class CountedStore(MemoryStore):
        listed: tuple[str, ...] = ()

        def list(self, prefix: str) -> Iterator[BlobInfo]:
            self.listed = (*self.listed, prefix)
            return super().list(prefix)

    store = CountedStore()
    store.put(keys.landed_slide(CASE, SLIDE), b"{}")
    SweepErased(store)()
    assert store.listed == (keys.ERASED, keys.ERASED_SLIDES)
