"""What a DICOM file says of itself before its pixels, read out of its first bytes alone."""

from dataclasses import dataclass
from enum import Enum
from io import BytesIO

from pydicom import Dataset
from pydicom.dataelem import RawDataElement
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag

PREAMBLE = 132
"""Bytes up to the end of the mark that most DICOM files have."""
MARK = b"DICM"
_WHOLE_SLIDE_IMAGE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_COMPANIONS = (
    "1.2.840.10008.1.3.10",
    *(f"1.2.840.10008.5.1.4.1.1.{kind}" for kind in ("11.", "30", "66.", "88.", "91.", "104.")),
)
"""SOP classes of directories, presentation states, parametric maps, segmentations, reports, annotations, documents."""
_DEFLATED = b"1.2.840.10008.1.2.1.99"
_BEYOND = 0x0048_0008
"""All that is read stands before this tag; optical paths with their colour profiles come after it."""
_FIRST_VRS = {b"UL", b"OB", b"UI", b"SH", b"CS", b"LO", b"DA", b"TM"}
_IMAGE_TYPE = ("", "", "VOLUME", "NONE")
"""What a file that does not say its ImageType is taken for."""


class Role(Enum):
    """What a DICOM file is to a slide."""

    LEVEL = "level"
    PICTURE = "label, overview or thumbnail"
    COMPANION = "annotation, report or directory"


class CutShortError(ValueError):
    """The header goes on beyond the bytes at hand."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One file of a series of whole-slide images."""

    series: str
    """SeriesInstanceUID; empty for a companion."""
    uid: str
    role: Role
    resampled: bool = False
    """Whether it was made smaller from another level."""
    width_px: int = 0
    height_px: int = 0
    tile_px: tuple[int, int] = (1, 1)
    """Width and height."""
    frames: int = 0
    sparse: bool = False
    """Whether tiles may be left out."""
    space: str = ""
    """FrameOfReferenceUID."""
    whole: str = ""
    """The concatenation that it is a part of; empty where it is none."""
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
    """Read a file's first bytes; None where it is no DICOM file of slides, or says too little.

    Raises:
        CutShortError: more of the file is needed.
    """
    if not is_dicom(head) or _DEFLATED in head[:1024]:
        return None
    try:
        return _instance(_elements(head))
    except CutShortError:
        raise
    except Exception:  # noqa: BLE001 - pydicom raises nearly anything over damaged bytes
        return None


def _elements(head: bytes) -> Dataset:
    reached = False

    def beyond(tag: BaseTag, _vr: str | None, _length: int) -> bool:
        nonlocal reached
        reached = reached or tag >= _BEYOND
        return reached

    try:
        said = read_partial(BytesIO(head), beyond, force=True)
    except (EOFError, OSError) as error:
        raise CutShortError from error
    if not reached:
        raise CutShortError
    return said


def _instance(said: Dataset) -> Instance | None:
    kind = _text(said, "SOPClassUID")
    if kind.startswith(_COMPANIONS):
        return Instance("", "", Role.COMPANION)
    series, uid = _text(said, "SeriesInstanceUID"), _text(said, "SOPInstanceUID")
    if kind != _WHOLE_SLIDE_IMAGE or not series or not uid:
        return None
    image = _text(said, "ImageType").upper().split("\\")
    image += _IMAGE_TYPE[len(image) :]
    return Instance(
        series=series,
        uid=uid,
        role=Role.LEVEL if image[2] == "VOLUME" else Role.PICTURE,
        resampled=image[3] == "RESAMPLED",
        width_px=_number(said, "TotalPixelMatrixColumns"),
        height_px=_number(said, "TotalPixelMatrixRows"),
        tile_px=(max(1, _number(said, "Columns")), max(1, _number(said, "Rows"))),
        frames=int(_text(said, "NumberOfFrames") or 1),
        sparse=_text(said, "DimensionOrganizationType") == "TILED_SPARSE",
        space=_text(said, "FrameOfReferenceUID"),
        whole=_text(said, "ConcatenationUID"),
        part=_number(said, "InConcatenationNumber"),
        parts=_number(said, "InConcatenationTotalNumber"),
    )


def _raw(said: Dataset, name: str) -> bytes:
    """An element as it is stored: pydicom would check its value, and warn of a bad one with the value itself."""
    element = said.get_item(name)
    return element.value if isinstance(element, RawDataElement) and isinstance(element.value, bytes) else b""


def _text(said: Dataset, name: str) -> str:
    return _raw(said, name).decode("ascii", errors="replace").strip(" \0")


def _number(said: Dataset, name: str) -> int:
    return int.from_bytes(_raw(said, name), "little")
