"""Whose word counts on how large a pixel is."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.byte_source import LocalBytes
from services.tiler.errors import ImplausibleResolutionError, NoResolutionError
from services.tiler.openslide_reader import scanned_from, stated_resolutions
from services.tiler.ports import Level, Resolution, SlideFacts
from services.tiler.resolution import COARSEST, FINEST, MppTable, Override, check_extent, of_tiff_tags, resolve
from services.tiler.tiff_page import read_pages
from shared.units import CaseId, MicronsPerPx, SlideId
from tests.support.slides import blank, write_tiff


def stated(mpp_x: float, mpp_y: float | None = None) -> Resolution:
    return Resolution(MicronsPerPx(mpp_x), MicronsPerPx(mpp_x if mpp_y is None else mpp_y), "slide")


def test_a_plausible_statement_of_the_slide_beats_the_table() -> None:
    assert resolve([stated(0.25)], Override(named=0.5, default=1.0)) == stated(0.25)


def test_the_table_fills_silence_and_says_so() -> None:
    assert resolve([], Override(named=0.5, default=1.0)).source == "override by slide"
    assert resolve([], Override(default=1.0)) == Resolution(MicronsPerPx(1.0), MicronsPerPx(1.0), "override by default")


def test_silence_on_both_sides_is_refused() -> None:
    with pytest.raises(NoResolutionError, match="does not say"):
        resolve([], Override())


@pytest.mark.parametrize("mpp", [0.0, 0.049, 5.01, 250.0, -0.5, float("nan"), float("inf")])
def test_an_absurd_statement_is_refused_even_with_a_default(mpp: float) -> None:
    with pytest.raises(ImplausibleResolutionError, match=r"outside 0\.05 to 5"):
        resolve([stated(mpp)], Override(default=0.5))


def test_an_absurd_statement_gives_way_to_an_operator_who_names_the_slide() -> None:
    assert resolve([stated(352.8)], Override(named=0.5)).mpp_x == 0.5


def test_one_absurd_axis_is_enough() -> None:
    with pytest.raises(ImplausibleResolutionError):
        resolve([stated(0.5, 0.0)], Override())


def test_an_absurd_override_is_refused_too() -> None:
    with pytest.raises(ImplausibleResolutionError):
        resolve([], Override(named=40.0))


@given(st.floats(FINEST, COARSEST), st.floats(FINEST, COARSEST))
def test_axes_may_differ(mpp_x: float, mpp_y: float) -> None:
    assert resolve([stated(mpp_x, mpp_y)], Override()) == stated(mpp_x, mpp_y)


def test_the_first_pattern_that_fits_counts() -> None:
    table = MppTable({"case-1/*": 0.25, "*": 0.5}, default=1.0)
    assert table.of(CaseId("case-1"), SlideId("a")) == Override(0.25, 1.0)
    assert table.of(CaseId("case-2"), SlideId("a")) == Override(0.5, 1.0)


def test_every_source_speaks_in_the_order_of_trust(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "slide.tif", blank(512), (0.5, 0.5), ome={"X": "0.499 µm", "Y": "0.499 µm"})
    pages = read_pages(LocalBytes(path))
    vendor = {"openslide.vendor": "aperio", "openslide.mpp-x": "0.25", "openslide.mpp-y": "0.26"}
    sources = [stated.source for stated in stated_resolutions(vendor, pages)]
    assert sources == ["openslide.mpp-x", "ome.PhysicalSize", "tiff.XResolution"]
    assert [stated.mpp_x for stated in stated_resolutions(vendor, pages)] == pytest.approx([0.25, 0.499, 0.5])


@pytest.mark.parametrize("mpp", ["about a half", ""])
def test_what_is_no_number_is_no_statement(mpp: str) -> None:
    stated = {"openslide.vendor": "mirax", "openslide.mpp-x": mpp, "openslide.mpp-y": "0.5"}
    assert stated_resolutions(stated, ()) == []


def test_the_scanned_area_begins_where_the_format_states_all_of_it() -> None:
    stated = {
        f"openslide.bounds-{name}": str(value)
        for name, value in zip(("x", "y", "width", "height"), (300, 200, 9, 9), strict=True)
    }
    assert scanned_from(stated) == (300, 200)
    assert scanned_from({name: value for name, value in stated.items() if name != "openslide.bounds-width"}) == (0, 0)


@pytest.mark.parametrize(
    ("dots", "unit"), [(72, 2), (96, 2), (72 / 2.54, 3), (1, 2), (1, 3), (0, 3), (20_000, 1), (20_000, 9)]
)
def test_tags_that_say_nothing_of_tissue_are_no_statement(dots: float, unit: int) -> None:
    assert of_tiff_tags(dots, dots, unit) is None


@given(st.floats(0.06, 4.9), st.floats(1.03, 50), st.booleans())
def test_what_differs_by_more_than_two_percent_is_named_with_what_was_believed(
    mpp: float, factor: float, finer: bool
) -> None:
    other = stated(mpp / factor if finer else mpp * factor)
    settled = resolve([stated(mpp), stated(mpp * 1.01), other], Override())
    assert (settled.mpp_x, settled.contradicted_by) == (mpp, (other,))


def test_a_resolution_that_makes_the_slide_larger_than_any_glass_is_refused() -> None:
    resolution = stated(4.0)
    check_extent(SlideFacts("test", "jpeg", (Level(20_000, 5_000, 1.0),), resolution))
    with pytest.raises(ImplausibleResolutionError, match="400 x 20 mm"):
        check_extent(SlideFacts("test", "jpeg", (Level(100_000, 5_000, 1.0),), resolution))


def test_a_refused_resolution_is_named_with_the_plausible_one_beside_it() -> None:
    resolution = resolve([stated(4.0), stated(0.499), stated(900.0)], Override())
    with pytest.raises(ImplausibleResolutionError) as refused:
        check_extent(SlideFacts("test", "jpeg", (Level(100_000, 5_000, 1.0),), resolution))
    assert str(refused.value).endswith("400 x 20 mm; it states 0.499 um/px (slide) too")


@given(st.integers(1, 1999), st.integers(1, 1999))
def test_a_resolution_that_makes_the_slide_shorter_than_a_millimetre_is_refused(width: int, height: int) -> None:
    with pytest.raises(ImplausibleResolutionError, match="would measure"):
        check_extent(SlideFacts("test", "jpeg", (Level(width, height, 1.0),), stated(0.5)))


def test_one_side_of_a_millimetre_is_enough() -> None:
    check_extent(SlideFacts("test", "jpeg", (Level(300, 2000, 1.0),), stated(0.5)))
