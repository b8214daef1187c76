"""Whose word counts on how large a pixel is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.errors import ImplausibleResolutionError, NoResolutionError
from services.tiler.openslide_reader import stated_resolution
from services.tiler.ports import Level, Resolution, SlideFacts
from services.tiler.resolution import COARSEST, FINEST, MppTable, Override, check_extent, resolve
from shared.units import CaseId, MicronsPerPx, SlideId


def said(mpp_x: float, mpp_y: float | None = None) -> Resolution:
    return Resolution(MicronsPerPx(mpp_x), MicronsPerPx(mpp_x if mpp_y is None else mpp_y), "slide")


def test_a_plausible_statement_of_the_slide_beats_the_table() -> None:
    assert resolve(said(0.25), Override(named=0.5, default=1.0)) == said(0.25)


def test_the_table_fills_silence_and_says_so() -> None:
    assert resolve(None, Override(named=0.5, default=1.0)).source == "override by slide"
    assert resolve(None, Override(default=1.0)) == Resolution(
        MicronsPerPx(1.0), MicronsPerPx(1.0), "override by default"
    )


def test_silence_on_both_sides_is_refused() -> None:
    with pytest.raises(NoResolutionError, match="does not say"):
        resolve(None, Override())


@pytest.mark.parametrize("mpp", [0.0, 0.049, 5.01, 250.0, -0.5, float("nan"), float("inf")])
def test_an_absurd_statement_is_refused_even_with_a_default(mpp: float) -> None:
    with pytest.raises(ImplausibleResolutionError, match=r"outside 0\.05 to 5"):
        resolve(said(mpp), Override(default=0.5))


def test_an_absurd_statement_gives_way_to_an_operator_who_names_the_slide() -> None:
    assert resolve(said(352.8), Override(named=0.5)).mpp_x == 0.5


def test_one_absurd_axis_is_enough() -> None:
    with pytest.raises(ImplausibleResolutionError):
        resolve(said(0.5, 0.0), Override())


def test_an_absurd_override_is_refused_too() -> None:
    with pytest.raises(ImplausibleResolutionError):
        resolve(None, Override(named=40.0))


@given(st.floats(FINEST, COARSEST), st.floats(FINEST, COARSEST))
def test_axes_may_differ(mpp_x: float, mpp_y: float) -> None:
    assert resolve(said(mpp_x, mpp_y), Override()) == said(mpp_x, mpp_y)


def test_the_first_pattern_that_fits_counts() -> None:
    table = MppTable({"case-1/*": 0.25, "*": 0.5}, default=1.0)
    assert table.of(CaseId("case-1"), SlideId("a")) == Override(0.25, 1.0)
    assert table.of(CaseId("case-2"), SlideId("a")) == Override(0.5, 1.0)


def test_the_vendor_is_asked_before_the_tiff_tags() -> None:
    both = {
        "openslide.vendor": "aperio",
        "openslide.mpp-x": "0.25",
        "openslide.mpp-y": "0.26",
        "tiff.XResolution": "20000",
        "tiff.YResolution": "20000",
        "tiff.ResolutionUnit": "centimeter",
    }
    assert stated_resolution(both) == Resolution(MicronsPerPx(0.25), MicronsPerPx(0.26), "openslide.mpp-x")
    tags = {name: value for name, value in both.items() if "mpp" not in name}
    assert stated_resolution(tags) == Resolution(MicronsPerPx(0.5), MicronsPerPx(0.5), "tiff.XResolution")


@pytest.mark.parametrize(
    "properties",
    [
        {},
        {"tiff.ResolutionUnit": "inch"},
        {"tiff.XResolution": "1", "tiff.YResolution": "1", "tiff.ResolutionUnit": "none"},
        {"openslide.mpp-x": "about a half", "openslide.mpp-y": "0.5"},
    ],
)
def test_what_is_no_statement_is_none(properties: dict[str, str]) -> None:
    assert stated_resolution(properties) is None


def test_a_resolution_that_makes_the_slide_larger_than_any_glass_is_refused() -> None:
    resolution = said(4.0)
    check_extent(SlideFacts("test", "jpeg", (Level(20_000, 5_000, 1.0),), resolution))
    with pytest.raises(ImplausibleResolutionError, match="400 x 20 mm"):
        check_extent(SlideFacts("test", "jpeg", (Level(100_000, 5_000, 1.0),), resolution))
