"""Slides of several files as they land: when they are worked on, and what comes of every event about a file."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from medulla.v1.events_pb2 import STAGE_WAITING, Progress, SlideRejected, SlideTiled

from services.tiler.errors import IncompleteSeriesError, NotASlideError, UnreadableSlideError
from services.tiler.handler import PlanTiles, SlideLanded
from services.tiler.isolation import isolated_readers
from services.tiler.on_landing import OnLanding
from services.tiler.settling import SeriesSettings, Settling, UnsettledSlideError
from shared.blob.memory import MemoryStore
from shared.bus.s3_events import ObjectHint
from tests.support.dicom_series import SERIES, series, without_preamble
from tests.support.mirax import mirax
from tests.support.slides import cc0_bytes
from tests.support.tiling import Tiling, tiling

CASE = "slides/case-1/"
WHOLE = series()
SETTLE_S, QUIET_S = 10, 300


@dataclass
class Clock:
    """A clock that goes when the test says."""

    now: float = 1000

    def __call__(self) -> float:
        return self.now


def patient(tiler: Tiling, clock: Clock) -> OnLanding:
    """The tiler with a clock of its own, and times to wait."""
    old = tiler.on_landing
    settling = Settling(SeriesSettings(settle_s=SETTLE_S, quiet_s=QUIET_S), clock)
    return OnLanding(old.blobs, old.plan_tiles, old.landings, old.listing, settling)


def land(tiler: Tiling, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        tiler.land(CASE + name, data)


def hint(name: str) -> ObjectHint:
    return ObjectHint(CASE + name, "medulla")


def without(*kinds: str) -> dict[str, bytes]:
    return {kind: data for kind, data in WHOLE.items() if kind not in kinds}


def test_every_file_of_a_series_leads_to_the_one_slide(tiler: Tiling) -> None:
    land(tiler, WHOLE)
    outcomes = [tiler.hint(CASE + kind) for kind in WHOLE]
    assert all(events == outcomes[0] for events in outcomes)
    (event,) = outcomes[0]
    assert (event.slide.case_id, event.slide.slide_id) == ("case-1", SERIES)
    assert event.slide.object.key == f"{CASE}level0"
    assert [file.key for file in event.slide.files] == [f"{CASE}level1", f"{CASE}level2"]
    assert sum(len(chunk.tiles) for chunk in tiler.stream(event.slide, event.plan)) == event.plan.tiles > 0


def test_a_series_has_one_digest_wherever_its_files_lie(tiler: Tiling) -> None:
    land(tiler, WHOLE)
    for number, data in enumerate(WHOLE.values()):
        tiler.land(f"slides/case-2/Study/{9 - number}/IM1", data)
    (first,), (second,) = tiler.hint(f"{CASE}level0"), tiler.hint("slides/case-2/Study/9/IM1")
    assert first.slide.slide_id == second.slide.slide_id == SERIES
    assert (first.slide.digest, first.plan) == (second.slide.digest, second.plan)
    assert first.event_id != second.event_id


def test_concatenated_and_sparse_series_give_the_tiles_of_the_plain_one(tiler: Tiling) -> None:
    pixels = set()
    for case, files in {"plain": WHOLE, "parts": series(parts=4), "sparse": series(sparse=True)}.items():
        for kind, data in files.items():
            tiler.land(f"slides/{case}/{kind}", data)
        (event,) = tiler.hint(f"slides/{case}/level2")
        pixels.add(tuple(chunk.digest for chunk in tiler.chunks(event)))
    assert len(pixels) == 1


def test_label_and_overview_are_not_brought_to_disk(tiler: Tiling, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    hold = tiler.scratch.hold

    def watched(files: Any) -> Any:
        held.extend(info.key for info in files)
        return hold(files)

    monkeypatch.setattr(tiler.scratch, "hold", watched)
    land(tiler, WHOLE)
    tiler.hint(f"{CASE}label")
    assert held == [f"{CASE}level0", f"{CASE}level1", f"{CASE}level2"]


def test_events_that_come_together_bring_a_slide_once(tiler: Tiling, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = list[str]()
    plan = PlanTiles.__call__

    def watched(self: PlanTiles, landed: SlideLanded) -> SlideTiled:
        planned.append(landed.slide.slide_id)
        return plan(self, landed)

    monkeypatch.setattr(PlanTiles, "__call__", watched)
    land(tiler, WHOLE)
    with ThreadPoolExecutor(len(WHOLE)) as pool:
        outcomes = list(pool.map(lambda kind: tiler.hint(CASE + kind), WHOLE))
    assert all(events == outcomes[0] for events in outcomes)
    assert planned == [SERIES]


def test_a_whole_series_is_worked_on_when_it_was_quiet_for_a_moment(tiler: Tiling) -> None:
    clock = Clock()
    on_landing = patient(tiler, clock)
    land(tiler, WHOLE)
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level0"))
    clock.now += SETTLE_S
    assert [type(event) for event in on_landing(hint("level0"))] == [SlideTiled]


def test_a_series_that_waits_for_files_is_reported_as_progress(tiler: Tiling) -> None:
    progress = list[Progress]()
    on_landing = patient(tiler, Clock())
    on_landing = replace(on_landing, plan_tiles=replace(on_landing.plan_tiles, on_progress=progress.append))
    land(tiler, without("level0"))
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level1"))
    assert [(each.case_id, each.slide_id, each.stage) for each in progress] == [("case-1", SERIES, STAGE_WAITING)]


def test_a_file_that_comes_late_lets_the_others_wait_again(tiler: Tiling) -> None:
    clock = Clock()
    on_landing = patient(tiler, clock)
    land(tiler, without("level1"))
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level0"))
    clock.now += SETTLE_S - 1
    land(tiler, WHOLE)
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level1"))
    clock.now += SETTLE_S - 1
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level0"))
    clock.now += 1
    (event,) = on_landing(hint("level0"))
    assert isinstance(event, SlideTiled)
    assert len(event.slide.files) == 2


def test_a_series_without_its_base_level_waits_and_is_then_refused(tiler: Tiling) -> None:
    clock = Clock()
    on_landing = patient(tiler, clock)
    land(tiler, without("level0"))
    for _ in range(2):
        with pytest.raises(UnsettledSlideError, match="files of it are missing"):
            on_landing(hint("level1"))
        clock.now += QUIET_S / 2
    with pytest.raises(IncompleteSeriesError) as refused:
        on_landing(hint("level1"))
    rejection = on_landing.rejected(hint("level1"), refused.value)
    assert rejection is not None
    assert (rejection.reason, rejection.slide_id, rejection.object_key) == (
        "incomplete_series",
        SERIES,
        f"{CASE}level1",
    )


def test_the_rest_of_a_refused_series_makes_it_good(tiler: Tiling) -> None:
    land(tiler, without("level0"))
    with pytest.raises(IncompleteSeriesError):
        tiler.hint(f"{CASE}level1")
    land(tiler, WHOLE)
    (event,) = tiler.hint(f"{CASE}level0")
    assert event.slide.slide_id == SERIES


def test_a_later_level_makes_a_new_version_of_the_same_slide(tiler: Tiling) -> None:
    land(tiler, without("level1"))
    (first,) = tiler.hint(f"{CASE}level0")
    land(tiler, WHOLE)
    (second,) = tiler.hint(f"{CASE}level1")
    assert first.slide.slide_id == second.slide.slide_id
    assert first.slide.digest != second.slide.digest
    assert first.event_id != second.event_id


def test_while_an_upload_goes_on_the_events_of_its_last_files_are_those_that_wait(tiler: Tiling) -> None:
    clock = Clock()
    on_landing = patient(tiler, clock)
    land(tiler, without("level0", "level2"))
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level1"))
    clock.now += QUIET_S + 1
    land(tiler, without("level0"))
    with pytest.raises(UnsettledSlideError):
        on_landing(hint("level2"))
    assert list(on_landing(hint("level1"))) == []


def test_a_level_that_is_deleted_leaves_a_slide_without_it(tiler: Tiling) -> None:
    land(tiler, WHOLE)
    (first,) = tiler.hint(f"{CASE}level0")
    tiler.blobs.delete(f"{CASE}level2")
    (second,) = tiler.hint(f"{CASE}level2")
    assert second.slide.slide_id == first.slide.slide_id
    assert len(second.slide.files) == 1


def test_a_base_level_that_is_deleted_leaves_a_refusal(tiler: Tiling) -> None:
    land(tiler, WHOLE)
    tiler.hint(f"{CASE}level0")
    tiler.blobs.delete(f"{CASE}level0")
    (event,) = tiler.on_landing(hint("level0"))
    assert isinstance(event, SlideRejected)
    assert (event.reason, event.slide_id) == ("incomplete_series", SERIES)


def test_a_slide_of_one_file_that_is_deleted_disturbs_no_other(tiler: Tiling) -> None:
    land(tiler, {"A.svs": cc0_bytes(), "B.svs": b"no slide", **WHOLE})
    tiler.hint(f"{CASE}level0")
    tiler.blobs.delete(f"{CASE}A.svs")
    assert tiler.hint(f"{CASE}A.svs") == []


def test_the_sweep_announces_a_series_once_and_again_when_a_level_was_added(tiler: Tiling) -> None:
    def announced() -> list[str]:
        return [key.removeprefix(CASE) for key in tiler.unplanned]

    land(tiler, without("level1"))
    assert announced() == ["level0"]
    tiler.hint(f"{CASE}level0")
    assert announced() == []
    land(tiler, WHOLE)
    assert announced() == ["level0"]


def test_the_files_of_a_mirax_slide_come_together_or_it_says_which_is_missing(tiler: Tiling) -> None:
    files = mirax("A")
    last = files.pop("A/Data0001.dat")
    land(tiler, files)
    with pytest.raises(UnreadableSlideError, match=r"A/Data0001\.dat"):
        tiler.hint(f"{CASE}A.mrxs")
    tiler.land(f"{CASE}A/Data0001.dat", last)
    with pytest.raises((UnreadableSlideError, NotASlideError)) as refused:
        tiler.hint(f"{CASE}A/Data0001.dat")
    assert "Data0001" not in str(refused.value)


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_and_repeated_events_end_with_all_levels(seed: int, tmp_path: Path) -> None:
    random, clock = Random(seed), Clock()  # noqa: S311 - it shuffles events
    with tiling(tmp_path, store=MemoryStore()) as tiler:
        on_landing = patient(tiler, clock)
        order = random.sample(list(WHOLE), len(WHOLE))
        pending, planned = list[str](), list[SlideTiled]()
        for kind in [*order, *random.choices(order, k=3)]:
            tiler.land(CASE + kind, WHOLE[kind])
            pending.append(kind)
            for again in random.sample(pending, len(pending)):
                clock.now += random.choice([0, 1, SETTLE_S, QUIET_S])
                try:
                    planned.extend(event for event in on_landing(hint(again)) if isinstance(event, SlideTiled))
                    pending.remove(again)
                except UnsettledSlideError:
                    pass
                except IncompleteSeriesError as error:
                    refusal = on_landing.rejected(hint(again), error)
                    assert refusal
                    on_landing.reported(refusal)
        clock.now += QUIET_S
        planned.extend(event for kind in pending for event in on_landing(hint(kind)) if isinstance(event, SlideTiled))
    assert len(planned[-1].slide.files) == 2
    assert len({event.slide.slide_id for event in planned}) == 1


def test_files_without_a_preamble_give_the_tiles_of_those_with_one_in_a_child_process(tmp_path: Path) -> None:
    with isolated_readers() as opened, tiling(tmp_path, opener=opened) as tiler:
        pixels = set()
        for case, files in {"whole": WHOLE, "bare": {kind: without_preamble(WHOLE[kind]) for kind in WHOLE}}.items():
            for kind, data in files.items():
                tiler.land(f"slides/{case}/{kind}", data)
            (event,) = tiler.hint(f"slides/{case}/level0")
            pixels.add(tuple(chunk.digest for chunk in tiler.chunks(event)))
    assert len(pixels) == 1
