"""Plans: the same bytes for the same inputs, another name for any other input."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from safetensors.numpy import load

from services.tiler.damage import count_corrupt
from services.tiler.errors import UnknownPlanError, UnreadableSlideError
from services.tiler.grid import GridSpec
from services.tiler.plan_store import PlanStore
from services.tiler.planner import PlanSpec, QualityRules, TilePlan, plan, plan_digest
from services.tiler.readers import open_slide
from services.tiler.resolution import Override
from shared.blob.memory import MemoryStore
from shared.canonical import sha256
from shared.slides.verdict import Verdict
from shared.units import Sha256, TilePx
from tests.support.slides import CC0_SLIDE, INK_PICTURE, TCGA_SLIDE, cc0_pixels, garbled, picture, write_tiff

SLIDE = sha256(b"slide")


def planned(path: Path, spec: PlanSpec | None = None, override: Override | None = None) -> TilePlan:
    with open_slide(path, override or Override()) as reader:
        return plan(reader, spec or PlanSpec(), SLIDE)


def test_the_bundled_slide_is_planned_as_seen_by_eye() -> None:
    result = planned(CC0_SLIDE)
    assert result.counts == {"ok": 38, "background": 50, "pen": 0, "blurred": 0}
    assert result.ledger.shape == (11, 8)
    assert result.tissue_mm2 == pytest.approx(0.62, abs=0.02)
    assert result.qc_flags == ("few_tiles",)
    assert (result.ledger[:, 7] == Verdict.BACKGROUND).all()


def test_a_frozen_section_without_resolution_is_planned_with_an_override() -> None:
    result = planned(TCGA_SLIDE, override=Override(named=0.5))
    assert result.counts["ok"] == pytest.approx(157, abs=3)
    assert "resolution_override" in result.qc_flags


def test_inked_places_of_a_real_slide_are_left_out(tmp_path: Path) -> None:
    result = planned(write_tiff(tmp_path / "ink.tif", picture(INK_PICTURE), (4.0, 4.0)))
    x, y = np.array([3760, 3860]), np.array([800, 880])
    assert (result.ledger[y // result.grid.cut.height_px][:, x // result.grid.cut.width_px] == Verdict.PEN).all()
    assert 0 < result.counts["pen"] < 0.06 * result.counts["ok"]
    assert "low_resolution" in result.qc_flags


def test_blurred_tissue_is_left_out(tmp_path: Path) -> None:
    pixels = cc0_pixels()
    pixels[1600:] = cv2.GaussianBlur(pixels[1600:], (0, 0), 8)
    result = planned(write_tiff(tmp_path / "blurred.tif", pixels))
    assert (result.ledger[7:, 3:5] == Verdict.BLURRED).all()
    assert (result.ledger[:6] != Verdict.BLURRED).all()
    assert "blurred" in result.qc_flags


def test_a_tile_of_unequal_axes_covers_a_square_of_tissue(tmp_path: Path) -> None:
    result = planned(write_tiff(tmp_path / "slide.tif", np.repeat(cc0_pixels(), 2, axis=0), (0.5, 0.25)))
    assert (result.grid.cut.width_px, result.grid.cut.height_px) == (256, 512)
    assert result.counts["ok"] == pytest.approx(38, abs=3)
    assert "anisotropic_pixels" in result.qc_flags


def test_damage_in_the_glass_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    path.write_bytes(garbled([50, 51]))
    result = planned(path)
    assert np.array_equal(result.ledger, planned(CC0_SLIDE).ledger)
    assert "unreadable_regions" in result.qc_flags


def test_damage_in_tissue_is_kept_in_the_plan_for_streaming_to_count(tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    path.write_bytes(garbled([94, 95, 104, 105]))
    assert planned(path).counts["ok"] == pytest.approx(38, abs=1)


def test_a_slide_that_is_mostly_damage_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    path.write_bytes(garbled(range(80)))
    with pytest.raises(UnreadableSlideError, match="does not decode"):
        planned(path)


@pytest.mark.parametrize(
    "spec",
    [
        PlanSpec(grid=GridSpec(tile_px=TilePx(224))),
        PlanSpec(quality=QualityRules(min_tissue=0.5)),
        PlanSpec(tiles_per_chunk=512),
    ],
)
def test_any_other_parameter_is_another_plan(spec: PlanSpec) -> None:
    with open_slide(CC0_SLIDE) as reader:
        slide = reader.describe()
    assert plan_digest(SLIDE, slide, spec) != plan_digest(SLIDE, slide, PlanSpec())
    assert plan_digest(sha256(b"other"), slide, spec) != plan_digest(SLIDE, slide, spec)


def test_another_resolution_is_another_plan() -> None:
    digests = {planned(TCGA_SLIDE, override=Override(named=mpp)).digest for mpp in (0.5, 0.4)}
    assert len(digests) == 2


def test_planning_twice_stores_the_same_bytes() -> None:
    stores = [MemoryStore(), MemoryStore()]
    for store in stores:
        PlanStore(store).save(planned(CC0_SLIDE))
    names = [info.key for info in stores[0].list("")]
    assert {name.rpartition("/")[2] for name in names} == {
        "plan.json",
        "tiles.safetensors",
        "mask.png",
        "thumbnail.jpg",
    }
    assert [stores[0].get(name) for name in names] == [stores[1].get(name) for name in names]


def test_what_is_stored_is_what_was_planned() -> None:
    store, result = MemoryStore(), planned(CC0_SLIDE)
    PlanStore(store).save(result)
    prefix = f"plans/{SLIDE}/{result.digest}/"
    tensors = load(store.get(prefix + "tiles.safetensors"))
    assert np.array_equal(tensors["coords"], result.coords)
    assert tensors["coords"].dtype == np.int32
    assert np.array_equal(tensors["ledger"], result.ledger)
    document = json.loads(store.get(prefix + "plan.json"))
    assert document["ledger"] == result.counts
    assert document["slide"]["mpp_source"] == "openslide.mpp-x"
    assert document["tile_width_px"] == 257.0
    mask = cv2.imdecode(np.frombuffer(store.get(prefix + "mask.png"), np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    assert np.array_equal(mask, result.mask)


def test_streaming_reads_back_what_to_cut() -> None:
    store, result = MemoryStore(), planned(CC0_SLIDE)
    PlanStore(store).save(result)
    tiles = PlanStore(store).tiles(SLIDE, result.digest)
    assert np.array_equal(tiles.coords, result.coords)
    assert tiles.cut == result.grid.cut
    assert tiles.chunks == 1


def test_an_unfinished_plan_is_no_plan() -> None:
    store, result = MemoryStore(), planned(CC0_SLIDE)
    PlanStore(store).save_thumbnail(result)
    assert PlanStore(store).described(SLIDE, result.digest) is None
    with pytest.raises(UnknownPlanError):
        PlanStore(store).tiles(SLIDE, Sha256(result.digest))


def test_sources_that_disagree_are_all_named_in_the_plan(tmp_path: Path) -> None:
    store = MemoryStore()
    path = write_tiff(tmp_path / "slide.tif", cc0_pixels(), (0.25, 0.25), ome={"X": "499 nm", "Y": "499 nm"})
    result = planned(path)
    PlanStore(store).save(result)
    facts = PlanStore(store).described(SLIDE, result.digest)
    assert facts is not None
    assert "resolution_conflict" in facts["qc_flags"]
    assert (facts["slide"]["mpp_source"], facts["slide"]["mpp_x"]) == ("ome.PhysicalSize", pytest.approx(0.499))
    assert [other["source"] for other in facts["slide"]["mpp_contradicted_by"]] == ["tiff.XResolution"]
    assert facts["overview_um_per_px"] == 8.0


def test_decoding_a_plan_finds_what_the_stream_finds(tmp_path: Path) -> None:
    path = tmp_path / "slide.svs"
    path.write_bytes(garbled([54, 55, 74]))
    with open_slide(path) as reader:
        tile_plan = plan(reader, PlanSpec(), SLIDE)
        looked_at: list[tuple[int, int]] = []
        corrupt = count_corrupt(reader, tile_plan, lambda done, total: looked_at.append((done, total)))
        assert corrupt == reader.read_tiles(tile_plan.coords, tile_plan.grid.cut).corrupt.sum() > 0
        assert looked_at[-1] == (len(tile_plan.coords), len(tile_plan.coords))
