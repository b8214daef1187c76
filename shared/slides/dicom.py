"""Reads the header of a DICOM file from its first bytes, without pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from math import isfinite
from struct import unpack

from shared.slides.dicom_elements import BadElementsError, elements

_LONGEST_NUMBER = 4
PREAMBLE = 132
"""Bytes up to the end of the mark that most DICOM files have."""
MARK = b"DICM"
_WHOLE_SLIDE_IMAGE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_COMPANIONS = (
    "1.2.840.10008.1.3.10",
    *(f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("11.", "30", "66.", "88.", "91.", "104.")),
)
"""SOP classes of directories, presentation states, parametric maps, segmentations, reports, annotations, documents."""
_BEYOND = 0x0048_0008
"""All tags that are read come before this one; optical paths with their colour profiles come after it."""
_FIRST_VRS = {b"UL", b"OB", b"UI", b"SH", b"CS", b"LO", b"DA", b"TM"}
_IMAGE_TYPE = ("", "", "VOLUME", "NONE")
"""Defaults for a missing ImageType."""


Elements = Mapping[int, bytes]
"""Values by tag."""


class Role(Enum):
    """What a DICOM file is to a slide."""

    LEVEL = "level"
    PICTURE = "label, overview or thumbnail"
    COMPANION = "annotation, report or directory"


@dataclass(frozen=True, slots=True)
class Instance:
    """One file of a series of whole-slide images."""

    series: str
    """SeriesInstanceUID; empty for a companion."""
    uid: str
    role: Role
    resampled: bool = False
    """Whether it is downsampled from another level."""
    width_px: int = 0
    height_px: int = 0
    um_per_px: float = 0
    """From the width of the imaged volume; 0 if that is not stated."""
    number: int = 0
    """InstanceNumber; 0 where it is not stated."""
    tile_px: tuple[int, int] = (1, 1)
    """Width and height."""
    frames: int = 0
    sparse: bool = False
    """Whether tiles may be left out."""
    space: str = ""
    """FrameOfReferenceUID."""
    whole: str = ""
    """The concatenation that it is a part of; empty if none."""
    part: int = 0
    parts: int = 0

    @property
    def tiles(self) -> int:
        """Tiles that cover the level once."""
        return -(-self.width_px // self.tile_px[0]) * -(-self.height_px // self.tile_px[1])


def is_dicom(head: bytes) -> bool:
    """Whether a file begins as DICOM does: with its mark, or without preamble with an element of group 2 or 8."""
    if head[PREAMBLE - 4 : PREAMBLE] == MARK:
        return True
    first = head[:1] in {b"\x02", b"\x08"} and head[1:2] == head[3:4] == b"\0"
    return first and (head[4:6] in _FIRST_VRS or head[5:8] == b"\0\0\0")


def parse(head: bytes) -> Instance | None:
    """Parse a file's first bytes; None if it is not a DICOM whole-slide image or lacks required tags.

    Raises:
        CutShortError: more of the file is needed.
    """
    if not is_dicom(head):
        return None
    start = PREAMBLE if head[:PREAMBLE].endswith(MARK) else 0
    try:
        return _instance(elements(head, start, _BEYOND))
    except BadElementsError:
        return None


def _instance(values: Elements) -> Instance | None:
    kind = _text(values, 0x0008_0016)
    if kind.startswith(_COMPANIONS):
        return Instance("", "", Role.COMPANION)
    series, uid = _text(values, 0x0020_000E), _text(values, 0x0008_0018)
    width, height = _number(values, 0x0048_0006), _number(values, 0x0048_0007)
    if kind != _WHOLE_SLIDE_IMAGE or not (series and uid and width and height):
        return None
    image = _text(values, 0x0008_0008).upper().split("\\")
    image += _IMAGE_TYPE[len(image) :]
    return Instance(
        series=series,
        uid=uid,
        role=Role.LEVEL if image[2] == "VOLUME" else Role.PICTURE,
        resampled=image[3] == "RESAMPLED",
        width_px=width,
        height_px=height,
        um_per_px=_millimetres(values, 0x0048_0001) * 1000 / width,
        number=_count(values, 0x0020_0013) if 0x0020_0013 in values else 0,
        tile_px=(max(1, _number(values, 0x0028_0011)), max(1, _number(values, 0x0028_0010))),
        frames=_count(values, 0x0028_0008),
        sparse=_text(values, 0x0020_9311) == "TILED_SPARSE",
        space=_text(values, 0x0020_0052),
        whole=_text(values, 0x0020_9161),
        part=_number(values, 0x0020_9162),
        parts=_number(values, 0x0020_9163),
    )


def _text(values: Elements, tag: int) -> str:
    return values.get(tag, b"").decode("ascii", errors="replace").strip(" \0")


def _number(values: Elements, tag: int) -> int:
    """A number of 16 or 32 bits; 0 if it is missing or longer."""
    stored = values.get(tag, b"")
    return int.from_bytes(stored, "little") if len(stored) <= _LONGEST_NUMBER else 0


def _count(values: Elements, tag: int) -> int:
    """A number that is stored as text."""
    text = _text(values, tag)[:12]
    return int(text) if text.isdecimal() else 1


def _millimetres(values: Elements, tag: int) -> float:
    stored = values.get(tag, b"")
    length: float = unpack("<f", stored)[0] if len(stored) == 4 else 0.0
    return length if isfinite(length) else 0.0
