"""Parses the first elements of a DICOM file from bytes in memory, without converting values."""

from dataclasses import dataclass
from struct import error, unpack_from

_UNDEFINED = 0xFFFF_FFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFE_E000, 0xFFFE_E00D, 0xFFFE_E0DD
_LONG = {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
"""Value representations with a length of four bytes."""
_TRANSFER_SYNTAX = 0x0002_0010
_IMPLICIT = b"1.2.840.10008.1.2"
_UNREADABLE = {b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"}
"""Big endian and deflated: not used for slides."""
_DEEPEST = 20
_META = 0x0003_0000
"""Tags below it are of the file's meta information."""


class CutShortError(ValueError):
    """The elements continue beyond the given bytes."""


class BadElementsError(ValueError):
    """The bytes are not DICOM elements, or use an unsupported encoding."""


@dataclass(frozen=True, slots=True)
class _Element:
    tag: int
    start: int
    """Where its value begins."""
    length: int


def elements(head: bytes, at: int, beyond: int) -> dict[int, bytes]:
    """Values by tag of the elements from `at` on whose tags are below `beyond`; those of sequences are empty.

    Raises:
        CutShortError: `beyond` is not reached in these bytes.
        BadElementsError: they are no elements, or of an encoding that no slide has.
    """
    values, explicit = dict[int, bytes](), True
    while True:
        explicit = _is_explicit(head, at, values) if _tag(head, at) >= _META else True
        element = _element(head, at, explicit)
        if element.tag >= beyond:
            return values
        if element.length == _UNDEFINED:
            at = _after_items(head, element.start, explicit, 0)
            continue
        at = element.start + element.length
        values[element.tag] = head[element.start : at]


def _is_explicit(head: bytes, at: int, values: dict[int, bytes]) -> bool:
    syntax = values.get(_TRANSFER_SYNTAX, b"").rstrip(b" \0")
    if syntax in _UNREADABLE:
        raise BadElementsError
    return syntax != _IMPLICIT if syntax else head[at + 4 : at + 6].isalpha()


def _tag(head: bytes, at: int) -> int:
    try:
        group, number = unpack_from("<HH", head, at)
    except error as cut:
        raise CutShortError from cut
    return int(group << 16 | number)


def _element(head: bytes, at: int, explicit: bool) -> _Element:
    tag = _tag(head, at)
    try:
        if not explicit or tag in {_ITEM, _ITEM_END, _SEQUENCE_END}:
            return _Element(tag, at + 8, unpack_from("<I", head, at + 4)[0])
        if head[at + 4 : at + 6] in _LONG:
            return _Element(tag, at + 12, unpack_from("<I", head, at + 8)[0])
        return _Element(tag, at + 8, unpack_from("<H", head, at + 6)[0])
    except error as cut:
        raise CutShortError from cut


def _after_items(head: bytes, at: int, explicit: bool, depth: int) -> int:
    """Where a sequence of undefined length ends."""
    if depth > _DEEPEST:
        raise BadElementsError
    while (item := _element(head, at, explicit)).tag != _SEQUENCE_END:
        if item.tag != _ITEM:
            raise BadElementsError
        at = _after_item(head, item.start, explicit, depth) if item.length == _UNDEFINED else item.start + item.length
    return item.start


def _after_item(head: bytes, at: int, explicit: bool, depth: int) -> int:
    """Where an item of undefined length ends."""
    while (element := _element(head, at, explicit)).tag != _ITEM_END:
        if element.length == _UNDEFINED:
            at = _after_items(head, element.start, explicit, depth + 1)
        else:
            at = element.start + element.length
    return element.start
