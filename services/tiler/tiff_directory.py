"""The directories of a TIFF, BigTIFF or NDPI file, found by a walk of bounded time and memory."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from services.tiler import limits
from services.tiler.byte_source import ByteSource
from services.tiler.errors import SlideBeyondBoundsError, UnreadableSlideError

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_SUB_IFDS = 330
_NDPI_FLAG = 65420
_ITEM_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_UNSIGNED = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_RATIONAL = 5


@dataclass(frozen=True, slots=True)
class Field:
    """Location of the values of one tag."""

    kind: int
    count: int
    at: int

    @property
    def bytes(self) -> int:
        """Length of all values; 0 for kinds that TIFF does not define."""
        return _ITEM_BYTES.get(self.kind, 0) * self.count


@dataclass(frozen=True, slots=True)
class Directory:
    """Fields by tag; `parent` is the number of the directory that this one is a SubIFD of."""

    fields: Mapping[int, Field]
    parent: int | None


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of a directory's parts."""

    order: str
    big: bool = False
    ndpi: bool = False

    @property
    def head(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry(self) -> str:
        return self.order + ("HHQ8s" if self.big else "HHI4s")

    @property
    def pointer(self) -> str:
        return self.order + ("Q" if self.big or self.ndpi else "I")

    @property
    def value(self) -> str:
        return self.order + ("Q" if self.big else "I")


class TiffFile:
    """Reads directories and values; the caller closes the source."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self.bytes = source.size
        magic = source.read(0, 4)
        self._layout = _Layout("<" if magic[:2] == b"II" else ">", big=b"+" in magic[2:])
        self._first = self._find_first()

    @property
    def order(self) -> str:
        """Byte order, `<` or `>`."""
        return self._layout.order

    def directories(self) -> list[Directory]:
        """All directories in file order, each followed by its SubIFDs.

        Raises:
            UnreadableSlideError: there are none, or they form a loop.
            SlideBeyondBoundsError: there are too many.
        """
        directories: list[Directory] = []
        for fields in self._chain():
            parent = len(directories)
            directories.append(Directory(fields, None))
            directories.extend(Directory(sub, parent) for sub in self._sub_directories(fields))
            if len(directories) > limits.MAX_DIRECTORIES:
                raise SlideBeyondBoundsError(f"the TIFF has more than {limits.MAX_DIRECTORIES:,} directories")
        if not directories:
            raise UnreadableSlideError("the TIFF is damaged or cut short: its directory is missing")
        return directories

    def numbers(self, field: Field | None, most: int = 16) -> tuple[int, ...]:
        """The first `most` unsigned integers of a field; none if it holds something else."""
        if field is None or field.kind not in _UNSIGNED:
            return ()
        count = min(field.count, most)
        data = self.data(field.at, count * _ITEM_BYTES[field.kind])
        return struct.unpack(f"{self.order}{count}{_UNSIGNED[field.kind]}", data) if data else ()

    def ratio(self, field: Field | None) -> float:
        """A rational number, 0 if there is none."""
        data = self.data(field.at, 8) if field and field.kind == _RATIONAL else b""
        above, below = struct.unpack(self.order + "II", data) if data else (0, 0)
        return above / below if below else 0.0

    def text(self, field: Field | None) -> bytes:
        """The bytes of a field.

        Raises:
            SlideBeyondBoundsError: they are too many.
        """
        if field is None:
            return b""
        if field.bytes > limits.MAX_TEXT_BYTES:
            raise SlideBeyondBoundsError(
                f"a text of the TIFF has {field.bytes:,} bytes; {limits.MAX_TEXT_BYTES:,} at most"
            )
        return self.data(field.at, field.bytes)

    def data(self, at: int, size: int) -> bytes:
        """Bytes of the file, none unless all are there."""
        if at + size > self.bytes:
            return b""
        return self._source.read(at, size)

    def _find_first(self) -> int:
        """Offset of the first directory; NDPI files have a flag in it and long pointers."""
        if self._layout.big:
            return self._number("Q", 8)
        long = _Layout(self.order, ndpi=True)
        if self.order == "<" and _NDPI_FLAG in _fields(self, long, self._number("Q", 4))[0]:
            self._layout = long
            return self._number("Q", 4)
        return self._number("I", 4)

    def _number(self, code: str, at: int) -> int:
        data = self.data(at, struct.calcsize(self.order + code))
        return int(struct.unpack(self.order + code, data)[0]) if data else 0

    def _chain(self) -> Iterator[Mapping[int, Field]]:
        at, visited = self._first, set[int]()
        while at:
            if at in visited:
                raise UnreadableSlideError("the TIFF is damaged: its directories form a loop")
            visited.add(at)
            fields, at = _fields(self, self._layout, at)
            if fields:
                yield fields

    def _sub_directories(self, fields: Mapping[int, Field]) -> Iterator[Mapping[int, Field]]:
        places = dict.fromkeys(self.numbers(fields.get(_SUB_IFDS), limits.MAX_DIRECTORIES))
        for at in places:
            sub, _ = _fields(self, self._layout, at)
            if sub:
                yield sub


def _fields(file: TiffFile, layout: _Layout, at: int) -> tuple[dict[int, Field], int]:
    """Fields of the directory at an offset, and the offset of the next one; nothing if it is damaged."""
    head, entry = struct.calcsize(layout.head), struct.calcsize(layout.entry)
    start = file.data(at, head)
    count = struct.unpack(layout.head, start)[0] if start else 0
    if count > limits.MAX_DIRECTORY_FIELDS:
        return {}, 0
    data, after = file.data(at + head, count * entry), at + head + count * entry
    pointer = file.data(after, struct.calcsize(layout.pointer))
    if not data:
        return {}, 0
    high = file.data(after + 8, count * 4) if layout.ndpi else b""
    fields: dict[int, Field] = {}
    for number, (tag, kind, values, inline) in enumerate(struct.iter_unpack(layout.entry, data)):
        place = at + head + (number + 1) * entry - len(inline)
        if _ITEM_BYTES.get(kind, 0) * values > len(inline):
            upper = int.from_bytes(high[number * 4 : number * 4 + 4], "little") << 32
            place = upper + int(struct.unpack(layout.value, inline)[0])
        fields.setdefault(tag, Field(kind, values, place))
    return fields, struct.unpack(layout.pointer, pointer)[0] if pointer else 0
