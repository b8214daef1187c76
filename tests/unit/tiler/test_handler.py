"""What happens when an object lands, lands again, or changes under our hands."""

from collections.abc import Iterable
from pathlib import Path
from threading import Event as Signal
from typing import Any

import pytest
from medulla.v1.events_pb2 import STAGE_DOWNLOADING, STAGE_PLANNING, Progress, SlideTiled

from services.tiler.errors import NotASlideError, UnreadableSlideError
from services.tiler.handler import PlanTiles
from services.tiler.landings import Landings
from services.tiler.on_landing import OnLanding
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec, QualityRules
from services.tiler.ports import SlideFacts, SlideReader
from services.tiler.readers import open_slide
from services.tiler.resolution import MppTable, Override
from shared import keys, turns
from shared.blob.memory import MemoryStore
from shared.blob.port import ObjectChangedError
from shared.bus.events import Event
from shared.bus.s3_events import ObjectHint
from shared.errors import CrashedWorkerError, TransientError, UnfinishedError
from shared.units import CaseId, Sha256
from tests.support.slides import NOT_A_SLIDE, TCGA_SLIDE, cc0_bytes, without_mpp
from tests.support.tiling import Tiling, tiling

KEY = "slides/case-1/slide-1.svs"


def keys_below(tiler: Tiling, prefix: str) -> list[str]:
    return [info.key for info in tiler.blobs.list(prefix)]


def changed(tiler: Tiling, **parts: Any) -> OnLanding:
    """The same tiler with other parts in its planner."""
    old = tiler.on_landing.plan_tiles
    given = {name: parts.get(name, getattr(old, name)) for name in ("blobs", "files", "plans", "spec", "mpp")}
    others = {name: parts[name] for name in ("open_slide", "on_progress", "check_every_s") if name in parts}
    landings = Landings(tiler.blobs, given["spec"])
    return OnLanding(tiler.blobs, PlanTiles(**given, **others), landings, tiler.on_landing.listing)


def tiled(events: Iterable[Event]) -> list[SlideTiled]:
    """Those of events that say that a slide was planned."""
    return [event for event in events if isinstance(event, SlideTiled)]


def test_a_landed_slide_is_planned_and_announced(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    info = tiler.blobs.head(KEY)
    assert info is not None
    assert (event.slide.case_id, event.slide.slide_id) == ("case-1", "slide-1.svs")
    assert (event.slide.object.key, event.slide.object.etag) == (KEY, info.etag)
    assert event.as_of.ToDatetime() == info.last_modified.replace(tzinfo=None)
    assert event.plan.prefix == f"plans/{event.slide.digest}/{event.plan.digest}/"
    assert event.plan.tiles == event.ledger.ok == 38
    assert tiler.blobs.head(event.plan.prefix + "plan.json")


def test_a_repeated_event_says_the_same_without_a_second_download(tiler: Tiling) -> None:
    first = tiler.plan(KEY, cc0_bytes())
    never = changed(tiler, files=None)
    assert list(never(ObjectHint(KEY, "medulla"))) == [first]


def test_doing_it_twice_from_scratch_writes_the_same_objects(tiler: Tiling) -> None:
    first = tiler.plan(KEY, cc0_bytes())
    stored = {key: tiler.blobs.get(key) for key in keys_below(tiler, "")}
    for key in keys_below(tiler, "landings/"):
        tiler.blobs.delete(key)
    assert tiler.hint(KEY) == [first]
    assert {key: tiler.blobs.get(key) for key in keys_below(tiler, "")} == stored


@pytest.mark.parametrize(
    "key",
    [
        "slides/case-1/slide-1/Data0001.dat",
        "slides/case-1/slide-1.svs.part",
        "slides/case-1/slide-1.xml",
        "slides/.DS_Store",
        "slides/case-1/",
        "clinical/case-1.json",
        "plans/a/b/mask.png",
        "other",
    ],
)
def test_what_is_no_slide_is_let_go_by(key: str, tiler: Tiling) -> None:
    tiler.land(key, b"something")
    assert tiler.hint(key) == []


def test_an_object_deleted_before_we_start_is_nothing_to_do(tiler: Tiling) -> None:
    assert tiler.hint(KEY) == []


@pytest.mark.parametrize("deleted", [True, False])
def test_an_object_that_changes_while_it_is_planned_is_tried_again(deleted: bool, tiler: Tiling) -> None:
    def open_and_change(path: Path, override: Override) -> SlideReader:
        if deleted:
            tiler.blobs.delete(KEY)
        else:
            tiler.land(KEY, without_mpp())
        return open_slide(path, override)

    tiler.land(KEY, cc0_bytes())
    with pytest.raises(TransientError, match="deleted" if deleted else "overwritten"):
        list(changed(tiler, open_slide=open_and_change)(ObjectHint(KEY, "medulla")))
    assert all(key.startswith("landings/case-1/slides/") for key in keys_below(tiler, "landings/"))
    assert not keys_below(tiler, "plans/")
    tiler.land(KEY, cc0_bytes())
    assert len(tiler.hint(KEY)) == 1


@pytest.mark.parametrize("failure", [ObjectChangedError("other bytes"), UnreadableSlideError("cut short")])
def test_a_failure_of_a_version_that_was_replaced_is_not_its_refusal(failure: Exception, tiler: Tiling) -> None:
    def replace_and_fail(*_: object) -> SlideReader:
        tiler.land(KEY, cc0_bytes())
        raise failure

    tiler.land(KEY, without_mpp())
    with pytest.raises(TransientError, match="overwritten"):
        list(changed(tiler, open_slide=replace_and_fail)(ObjectHint(KEY, "medulla")))
    assert len(tiler.hint(KEY)) == 1


def test_damage_of_an_object_that_stands_is_a_refusal(tiler: Tiling) -> None:
    def fail(*_: object) -> SlideReader:
        raise ObjectChangedError("other bytes")

    tiler.land(KEY, cc0_bytes())
    with pytest.raises(ObjectChangedError) as refused:
        list(changed(tiler, open_slide=fail)(ObjectHint(KEY, "medulla")))
    assert refused.value.reason == "digest_mismatch"
    assert tiler.on_landing.rejected(ObjectHint(KEY, "medulla"), refused.value) is not None


@pytest.mark.parametrize("killed_at", ["mask.png", "plan.json"])
def test_the_case_names_a_slide_whose_plan_was_cut_short(killed_at: str, tiler: Tiling) -> None:
    class KilledStore(MemoryStore):
        def put_new(self, key: str, data: bytes) -> bool:
            is_new = super().put_new(key, data)
            if key.endswith(killed_at):
                raise SystemExit
            return is_new

    store = KilledStore()
    store.put(KEY, cc0_bytes())
    parts = {"blobs": store, "plans": PlanStore(store), "files": tiler.scratch}
    tiler.land(KEY, cc0_bytes())
    with pytest.raises(SystemExit):
        list(changed(tiler, **parts)(ObjectHint(KEY, "medulla")))
    (plan,) = {info.key.split("/")[1] for info in store.list("plans/")}
    assert f"plans/{plan}/" in store.get(keys.landed_slide(CaseId("case-1"), Sha256(plan))).decode()


def test_a_new_version_of_a_slide_is_planned_anew(tiler: Tiling) -> None:
    first = tiler.plan(KEY, cc0_bytes())
    second = tiler.plan(KEY, cc0_bytes() + b"\0")
    assert first.event_id != second.event_id
    assert first.slide.digest != second.slide.digest


def test_the_same_bytes_under_two_keys_share_a_plan(tiler: Tiling) -> None:
    first, second = tiler.plan(KEY, cc0_bytes()), tiler.plan("slides/case-2/slide-9.svs", cc0_bytes())
    assert first.plan == second.plan
    assert first.event_id != second.event_id


def test_other_rules_plan_anew_and_leave_the_old_plan(tiler: Tiling) -> None:
    first = tiler.plan(KEY, cc0_bytes())
    strict = changed(tiler, spec=PlanSpec(quality=QualityRules(min_tissue=0.8), tiles_per_chunk=16))
    (second,) = tiled(strict(ObjectHint(KEY, "medulla")))
    assert second.plan.tiles < first.plan.tiles
    assert second.plan.prefix != first.plan.prefix
    assert tiler.blobs.head(first.plan.prefix + "plan.json")


def test_an_override_added_later_heals_a_refused_slide(tmp_path: Path) -> None:
    with tiling(tmp_path) as tiler:
        tiler.land(KEY, TCGA_SLIDE.read_bytes())
        with pytest.raises(Exception, match="does not say how many microns"):
            tiler.hint(KEY)
        healed = changed(tiler, mpp=MppTable({"case-1/slide-1.svs": 0.5}))
        (event,) = tiled(healed(ObjectHint(KEY, "medulla")))
    assert event.plan.tiles > 100


def test_the_sweep_sees_new_slides_and_new_versions_only(tiler: Tiling) -> None:
    tiler.land(KEY, cc0_bytes())
    tiler.land("slides/case-1/bad.svs", NOT_A_SLIDE.read_bytes())
    tiler.land("slides/case-1/slide-1/companion.dat", b"x")
    assert tiler.unplanned == ["slides/case-1/bad.svs", KEY]
    tiler.hint(KEY)
    with pytest.raises(NotASlideError, match="no whole-slide image") as caught:
        tiler.hint("slides/case-1/bad.svs")
    assert tiler.unplanned == ["slides/case-1/bad.svs"]
    refusal = tiler.on_landing.rejected(ObjectHint("slides/case-1/bad.svs", "medulla"), caught.value)
    assert refusal is not None
    tiler.on_landing.reported(refusal)
    assert not tiler.unplanned
    tiler.land(KEY, cc0_bytes() + b"\0")
    assert tiler.unplanned == [KEY]


def test_progress_is_told_while_it_happens(tiler: Tiling) -> None:
    events: list[Progress] = []
    tiler.land(KEY, cc0_bytes())
    list(changed(tiler, on_progress=events.append)(ObjectHint(KEY, "medulla")))
    assert [(event.stage, event.case_id) for event in events] == [
        (STAGE_DOWNLOADING, "case-1"),
        (STAGE_PLANNING, "case-1"),
    ]


def test_label_and_macro_images_are_never_read(tiler: Tiling, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: Any) -> None:
        raise AssertionError("an associated image was read")

    monkeypatch.setattr("openslide.lowlevel.read_associated_image", forbidden)
    monkeypatch.setattr("openslide.lowlevel.get_associated_image_names", forbidden)
    event = tiler.plan(KEY, cc0_bytes())
    assert list(tiler.stream(event.slide, event.plan))


def test_a_planned_slide_is_known_to_be_held_by_its_case(tiler: Tiling) -> None:
    event = tiler.plan(KEY, cc0_bytes())
    marker = keys.cases_of(Sha256(event.slide.digest)) + event.slide.case_id
    assert keys_below(tiler, keys.CASES_OF) == [marker]
    tiler.blobs.delete(marker)
    assert tiler.hint(KEY) == [event]
    assert keys_below(tiler, keys.CASES_OF) == [marker]


def test_a_version_has_one_first_turn_however_many_events_tell_of_it(tiler: Tiling) -> None:
    opened: list[int] = []

    def open_long(path: Path, override: Override) -> SlideReader:
        turn = turns.current()
        assert turn is not None
        opened.append(turn.number)
        if turn.number == 0:
            raise UnfinishedError("its turn is over")
        return open_slide(path, override)

    tiler.land(KEY, cc0_bytes())
    on_landing = changed(tiler, open_slide=open_long)
    for _ in range(3):
        with turns.turn(0), pytest.raises(UnfinishedError):
            list(on_landing(ObjectHint(KEY, "medulla")))
    with turns.turn(1):
        (tiled,) = on_landing(ObjectHint(KEY, "medulla"))
    assert isinstance(tiled, SlideTiled)
    assert opened == [0, 1]


def test_a_plan_ends_when_its_slide_is_deleted_while_it_is_read(tiler: Tiling) -> None:
    class HangingReader:
        def __init__(self) -> None:
            self.closed = Signal()

        def describe(self) -> SlideFacts:
            tiler.blobs.delete(KEY)
            assert self.closed.wait(20)
            raise CrashedWorkerError("its process was ended")

        def close(self) -> None:
            self.closed.set()

        def __enter__(self) -> "HangingReader":
            return self

        def __exit__(self, *exc: object) -> None:
            self.close()

    tiler.land(KEY, cc0_bytes())
    on_landing = changed(tiler, open_slide=lambda *_: HangingReader(), check_every_s=0.01)
    with pytest.raises(TransientError, match="deleted"):
        list(on_landing(ObjectHint(KEY, "medulla")))
