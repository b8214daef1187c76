"""Pixel sizes from the OME-XML in a TIFF's description."""

from collections.abc import Mapping
from xml.parsers import expat

from services.tiler.ports import Level, Resolution
from shared.units import MicronsPerPx

SOURCE = "ome.PhysicalSize"
_MICRON = "µm"
_POWERS = {
    **dict(zip("YZEPTGMkhdcm", (24, 21, 18, 15, 12, 9, 6, 3, 2, -1, -2, -3), strict=True)),
    **dict(zip("µμunpfazy", (-6, -6, -6, -9, -12, -15, -18, -21, -24), strict=True)),
    "da": 1,
    "": 0,
}
_INCH = 0.0254
_METRES = {
    **{f"{prefix}m": 10.0**power for prefix, power in _POWERS.items()},
    "Å": 1e-10,
    "ua": 149_597_870_700.0,
    "ly": 9.4607304725808e15,
    "pc": 3.0856775814913673e16,
    "thou": _INCH / 1000,
    "pt": _INCH / 72,
    "li": _INCH / 12,
    "in": _INCH,
    "ft": 12 * _INCH,
    "yd": 36 * _INCH,
    "mi": 63_360 * _INCH,
}
"""Lengths of the OME schema (2016-06) in metres; `pixel` and `reference frame` are not lengths."""


class _NoMetadataError(Exception):
    """The text is not XML with sizes, or declares a document type, which OME-XML never does."""


def physical_size(description: bytes, full: Level) -> Resolution | None:
    """The resolution that OME-XML states for the image of the size of `full`; None if it states none."""
    try:
        images = _pixels(description)
    except (expat.ExpatError, _NoMetadataError, ValueError):
        return None
    size = {"SizeX": str(full.width_px), "SizeY": str(full.height_px)}
    stated = next((image for image in images if size.items() <= image.items()), {})
    mpp_x, mpp_y = _microns(stated, "PhysicalSizeX"), _microns(stated, "PhysicalSizeY")
    return None if mpp_x is None or mpp_y is None else Resolution(mpp_x, mpp_y, SOURCE)


def _pixels(description: bytes) -> list[Mapping[str, str]]:
    """Attributes of every `Pixels` element."""
    text = description.rstrip(b"\0").strip()
    if b"OME" not in text[:1000]:
        raise _NoMetadataError
    elements: list[Mapping[str, str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] == "Pixels":
            elements.append(attributes)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = _refuse
    parser.Parse(text, True)
    return elements


def _refuse(*_: object) -> None:
    raise _NoMetadataError


def _microns(stated: Mapping[str, str], name: str) -> MicronsPerPx | None:
    metres = _METRES.get(stated.get(f"{name}Unit", _MICRON))
    try:
        return None if metres is None else MicronsPerPx(float(stated[name]) * metres * 1e6)
    except (KeyError, ValueError):
        return None
