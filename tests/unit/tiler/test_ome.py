"""Pixel sizes out of OME-XML: every unit of its schema, one image among several, and nothing but numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.ome import physical_size
from services.tiler.ports import Level
from tests.support.slides import ome_xml

FULL = Level(2220, 2967, 1.0)
HALF_A_MICRON = {
    "": 0.5,
    "µm": 0.5,
    "μm": 0.5,
    "um": 0.5,
    "nm": 500,
    "pm": 5e5,
    "Å": 5000,
    "mm": 5e-4,
    "cm": 5e-5,
    "m": 5e-7,
    "dm": 5e-6,
    "km": 5e-10,
    "in": 0.5 / 25_400,
    "thou": 0.5 / 25.4,
    "pt": 0.5 * 72 / 25_400,
    "Ym": 5e-31,
    "li": 0.5 * 12 / 25_400,
    "ft": 0.5 / 304_800,
    "yd": 0.5 / 914_400,
    "mi": 0.5 / 1.609344e9,
}


@pytest.mark.parametrize(("unit", "number"), HALF_A_MICRON.items())
def test_every_unit_of_length_is_read(unit: str, number: float) -> None:
    size = f"{number!r} {unit}".strip()
    resolution = physical_size(ome_xml(2220, 2967, {"X": size, "Y": size}), FULL)
    assert resolution is not None
    assert (resolution.mpp_x, resolution.mpp_y) == pytest.approx((0.5, 0.5))
    assert resolution.source == "ome.PhysicalSize"


@pytest.mark.parametrize(
    "sizes",
    [
        {"X": "0.5 pixel", "Y": "0.5 pixel"},
        {"X": "0.5 reference frame", "Y": "0.5"},
        {"X": "0.5"},
        {"X": "half", "Y": "half"},
        {},
    ],
    ids=str,
)
def test_what_is_no_length_of_both_axes_is_no_statement(sizes: dict[str, str]) -> None:
    assert physical_size(ome_xml(2220, 2967, sizes), FULL) is None


def test_the_image_of_the_full_resolution_counts_and_no_other() -> None:
    label = (
        b'<Image><Pixels SizeX="300" SizeY="200" PhysicalSizeX="20" PhysicalSizeY="20"/></Image><Image ID="Image:0">'
    )
    xml = ome_xml(2220, 2967, {"X": "0.5", "Y": "0.25"}).replace(b'<Image ID="Image:0">', label)
    size = physical_size(xml, FULL)
    assert size is not None
    assert (size.mpp_x, size.mpp_y) == (0.5, 0.25)
    assert physical_size(xml, Level(100, 100, 1.0)) is None


def test_a_document_type_is_refused_before_its_entities_expand() -> None:
    xml = ome_xml(2220, 2967, {"X": "0.5", "Y": "0.5"})
    bomb = b'<!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><OME>&b;'
    assert physical_size(xml.replace(b"<OME>", bomb), FULL) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_a_statement_or_none(data: bytes) -> None:
    assert physical_size(b"<OME>" + data, FULL) is None
