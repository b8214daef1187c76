"""What a lab may send by mistake: one row each, with the reason it is refused for."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import tifffile
from medulla.v1.events_pb2 import SlideRejected

from services.tiler.errors import UnreportedRefusalError
from services.tiler.resolution import MppTable
from shared.bus.events import decoder, to_record
from shared.bus.s3_events import ObjectHint
from shared.errors import PermanentError
from tests.support.dicom_series import claiming, series
from tests.support.slides import (
    INK_PICTURE,
    NOT_A_SLIDE,
    blank,
    cc0_bytes,
    cc0_pixels,
    garbled,
    stating_mpp,
    truncated,
    without_mpp,
    write_dicom,
    write_tiff,
)
from tests.support.tiling import Tiling, tiling

Make = Callable[[Path], bytes]


@dataclass(frozen=True)
class Row:
    """What lands, and what is said of it."""

    what: str
    reason: str
    make: Make
    name: str = "slide-1.svs"


def _tiff(pixels: Callable[[], np.ndarray], mpp: tuple[float, float] | None) -> Make:
    return lambda folder: write_tiff(folder / "made.tif", pixels(), mpp).read_bytes()


def _with_compression(kind: str) -> Make:
    def make(folder: Path) -> bytes:
        tifffile.imwrite(folder / "made.tif", blank(512), tile=(256, 256), compression=kind, photometric="rgb")
        return (folder / "made.tif").read_bytes()

    return make


def _stripped(folder: Path) -> bytes:
    tifffile.imwrite(folder / "made.tif", blank(), photometric="rgb")
    return (folder / "made.tif").read_bytes()


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _million_frames(_: Path) -> bytes:
    return claiming(series(levels=1)["level0"], frames=10**6, side_px=256_000)


def _padded_million_frames(folder: Path) -> bytes:
    return _million_frames(folder) + bytes(41 * 10**6)


def _inked() -> np.ndarray:
    pixels = blank()
    pixels[100:900, 100:900] = (20, 60, 140)
    return pixels


ROWS = [
    Row("no slide at all", "not_a_slide", lambda _: NOT_A_SLIDE.read_bytes()),
    Row("plain text", "not_a_slide", lambda _: b"Dear colleague, please find attached"),
    Row("a single byte", "not_a_slide", lambda _: b"x"),
    Row("no bytes", "empty_object", lambda _: b""),
    Row("an svs cut short", "unreadable_slide", lambda _: truncated(0.6)),
    Row("a tiff cut short", "unreadable_slide", lambda f: _half(_tiff(cc0_pixels, (0.5, 0.5))(f)), "slide-1.tif"),
    Row("a dicom slide cut short", "unreadable_slide", lambda f: _half(write_dicom(f / "d").read_bytes()), "s.dcm"),
    Row("a dicom slide without its base level", "incomplete_series", lambda _: series()["level1"], "s.dcm"),
    Row("a dicom slide that claims a million frames", "unreadable_slide", _million_frames, "s.dcm"),
    Row("a dicom slide that pads a million frames", "unreadable_slide", _padded_million_frames, "s.dcm"),
    Row("an svs mostly garbled", "unreadable_slide", lambda _: garbled(range(80))),
    Row("a photograph", "unsupported_format", lambda _: INK_PICTURE.read_bytes(), "slide-1.mrx"),
    Row("a tiff in strips", "unsupported_format", _stripped, "slide-1.tif"),
    Row("a tiff of a strange codec", "unsupported_format", _with_compression("jpegxl"), "slide-1.tif"),
    Row("no mpp", "no_resolution", lambda _: without_mpp()),
    Row("no mpp and no tags", "no_resolution", _tiff(cc0_pixels, None), "slide-1.tif"),
    Row("mpp zero", "implausible_resolution", lambda _: stating_mpp("0.0000")),
    Row("mpp absurdly large", "implausible_resolution", lambda _: stating_mpp("250.00")),
    Row("mpp absurdly small", "implausible_resolution", lambda _: stating_mpp("0.0010")),
    Row("72 dots per inch", "no_resolution", _tiff(cc0_pixels, (352.8, 352.8)), "slide-1.tif"),
    Row("one axis absurd", "implausible_resolution", _tiff(cc0_pixels, (0.5, 50.0)), "slide-1.tif"),
    Row("blank glass", "no_tissue", _tiff(blank, (0.5, 0.5)), "slide-1.tif"),
    Row("nothing but ink", "no_tissue", _tiff(_inked, (0.5, 0.5)), "slide-1.tif"),
    Row("larger than scratch", "slide_too_large", lambda _: cc0_bytes() + bytes(60_000_000)),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_bad_input_is_refused_with_its_reason(row: Row, tiler: Tiling, tmp_path: Path) -> None:
    key = f"slides/case-1/{row.name}"
    tiler.land(key, row.make(tmp_path))
    with pytest.raises(PermanentError) as refused:
        tiler.hint(key)
    rejection = tiler.on_landing.rejected(ObjectHint(key, "medulla"), refused.value)
    assert rejection is not None
    assert (rejection.reason, rejection.case_id, rejection.object_key, rejection.service) == (
        row.reason,
        "case-1",
        key,
        "tiler",
    )
    assert rejection.sentence
    assert rejection.advice.endswith(".")
    assert rejection.as_of.seconds > 0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.what)
def test_a_refusal_repeats_word_by_word_and_harms_no_other_slide(row: Row, tiler: Tiling, tmp_path: Path) -> None:
    key = f"slides/case-1/{row.name}"
    tiler.land(key, row.make(tmp_path))
    with pytest.raises(PermanentError) as refused:
        tiler.hint(key)
    first = tiler.on_landing.rejected(ObjectHint(key, "medulla"), refused.value)
    assert first is not None
    with pytest.raises(UnreportedRefusalError):
        tiler.hint(key)
    tiler.on_landing.reported(first)
    assert list(tiler.on_landing(ObjectHint(key, "medulla"))) == [first]
    assert tiler.plan("slides/case-1/good.svs", cc0_bytes()).ledger.ok == 38


@pytest.mark.parametrize("key", ["slides/loose.svs", "slides/Müller, Anna/1.svs", "slides/a b/c.svs"])
def test_a_key_without_pseudonyms_is_refused_and_told_without_a_case(key: str, tiler: Tiling) -> None:
    tiler.land(key, cc0_bytes())
    with pytest.raises(PermanentError) as refused:
        tiler.hint(key)
    assert refused.value.reason == "bad_case_id"
    rejection = tiler.on_landing.rejected(ObjectHint(key, "medulla"), refused.value)
    assert rejection is not None
    assert (rejection.case_id, rejection.slide_id, rejection.object_key) == ("", "", key)
    assert rejection.object_etag
    record = to_record(rejection, "tiler")
    assert record.key == ""
    assert decoder(SlideRejected)(record) == rejection
    assert not tiler.unplanned


def test_the_thumbnail_of_a_slide_without_tissue_is_kept(tiler: Tiling, tmp_path: Path) -> None:
    key = "slides/case-1/blank.tif"
    tiler.land(key, write_tiff(tmp_path / "blank.tif", blank()).read_bytes())
    with pytest.raises(PermanentError) as refused:
        tiler.hint(key)
    rejection = tiler.on_landing.rejected(ObjectHint(key, "medulla"), refused.value)
    assert rejection is not None
    assert tiler.blobs.get(rejection.thumbnail_key).startswith(b"\xff\xd8\xff")
    assert not [info for info in tiler.blobs.list("plans/") if info.key.endswith("plan.json")]


def test_an_override_makes_a_refused_slide_good(tmp_path: Path) -> None:
    with tiling(tmp_path, MppTable({"case-1/*": 0.499})) as tiler:
        assert tiler.plan("slides/case-1/slide-1.svs", without_mpp()).ledger.ok == 38
        assert tiler.plan("slides/case-1/slide-2.svs", stating_mpp("250.00")).ledger.ok == 38


def test_garbled_tiles_below_and_above_the_share_are_counted_when_streamed(tiler: Tiling) -> None:
    for stored, few in (([74], True), ([54, 64, 74, 84, 94, 104, 114], False)):
        event = tiler.plan(f"slides/case-1/slide-{len(stored)}.svs", garbled(stored))
        chunks = list(tiler.stream(event.slide, event.plan))
        corrupt = [tile for chunk in chunks for tile in chunk.corrupt]
        embedded = [tile for chunk in chunks for tile in chunk.tiles]
        assert sorted(corrupt + embedded) == list(range(event.plan.tiles))
        assert corrupt
        assert (len(corrupt) <= 4) is few
