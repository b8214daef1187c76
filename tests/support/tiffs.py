"""TIFF files written field by field, for tests: what no program would write, and what is too large to write whole."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import simplejpeg

from tests.support.slides import Pixels, cc0_pixels

SHORT, LONG, RATIONAL, LONG8 = 3, 4, 5, 16
_CODES = {SHORT: "H", LONG: "I", LONG8: "Q"}


@dataclass(frozen=True)
class Values:
    """Values of one tag, packed."""

    kind: int
    count: int
    data: bytes


def short(*values: int) -> Values:
    return _values(SHORT, values)


def long(*values: int) -> Values:
    return _values(LONG, values)


def ratio(above: int, below: int) -> Values:
    return Values(RATIONAL, 1, struct.pack("<II", above, below))


def text(data: bytes) -> Values:
    return Values(2, len(data), data)


def _values(kind: int, values: Sequence[int]) -> Values:
    return Values(kind, len(values), struct.pack(f"<{len(values)}{_CODES[kind]}", *values))


@dataclass
class RawTiff:
    """A little-endian TIFF or BigTIFF in the making; `data` are bytes that lie behind its header."""

    directories: Sequence[Mapping[int, Values]]
    big: bool = False
    data: bytes = b""
    loop: bool = False
    """Whether the last directory names the first as the next."""
    starts: list[int] = field(default_factory=list)

    def packed(self) -> bytes:
        """The file."""
        out = bytearray(16) + self.data
        pointers = []
        for fields in self.directories:
            self.starts.append(len(out))
            pointers.append(self._append(out, fields))
        order = [*self.starts[1:], self.starts[0] if self.loop else 0] if self.starts else []
        for place, target in zip(pointers, order, strict=True):
            struct.pack_into(self._pointer, out, place, target)
        first = self.starts[0] if self.starts else 0
        out[:16] = struct.pack("<2sHHHQ", b"II", 43, 8, 0, first) if self.big else self._classic_head(first)
        return bytes(out)

    @property
    def _pointer(self) -> str:
        return "<Q" if self.big else "<I"

    @staticmethod
    def _classic_head(first: int) -> bytes:
        return struct.pack("<2sHI8s", b"II", 42, first, bytes(8))

    def _append(self, out: bytearray, fields: Mapping[int, Values]) -> int:
        """Append a directory and its values; where its pointer to the next one lies."""
        inline = 8 if self.big else 4
        start = len(out) + (8 if self.big else 2)
        entry = struct.Struct("<HHQ8s" if self.big else "<HHI4s")
        behind = start + entry.size * len(fields) + inline
        out += struct.pack("<Q" if self.big else "<H", len(fields))
        tail = bytearray()
        for tag, values in sorted(fields.items()):
            data = values.data
            if len(data) > inline:
                data = struct.pack(self._pointer, behind + len(tail))
                tail += values.data
            out += entry.pack(tag, values.kind, values.count, data.ljust(inline, b"\0"))
        out += bytes(inline) + tail
        return behind - inline


def tiled_page(
    width: int,
    height: int,
    side: int = 256,
    mpp: float = 0.25,
    offsets: Values | None = None,
    sizes: Values | None = None,
    **changes: Values,
) -> dict[int, Values]:
    """Fields of a page of JPEG tiles; none of them is stored unless offsets and sizes say so. `t258=…` sets a tag."""
    stored = max(1, -(-width // side) * -(-height // side)) if offsets is None else offsets.count
    dots = ratio(round(10_000_000 / mpp), 1000)
    page = {
        256: long(width),
        257: long(height),
        258: short(8, 8, 8),
        259: short(7),
        262: short(6),
        277: short(3),
        282: dots,
        283: dots,
        296: short(3),
        322: long(side),
        323: long(side),
        324: offsets or Values(LONG, stored, bytes(4 * stored)),
        325: sizes or Values(LONG, stored, bytes(4 * stored)),
    }
    return page | {int(name[1:]): values for name, values in changes.items()}


def encoded(pixels: Pixels) -> bytes:
    """Pixels as one JPEG."""
    return bytes(simplejpeg.encode_jpeg(np.ascontiguousarray(pixels), quality=80, colorsubsampling="420"))


def write_whole_mount(path: Path, width: int, height: int, mpp: float, steps: Sequence[int]) -> Path:
    """Write a BigTIFF of one tile of tissue, repeated over the area of one tile of the last level; the rest is empty.

    `steps` are the downsamplings of its levels, the first 1.
    """
    side, tile = 1024, encoded(np.tile(cc0_pixels()[1500:2012, 600:1112], (2, 2, 1)))
    pages = []
    for step in steps:
        across, down = width // step, height // step
        columns, rows = -(-across // side), -(-down // side)
        sizes = np.zeros((rows, columns), "<u4")
        patch = slice(steps[-1] // step, 2 * steps[-1] // step)
        sizes[patch, patch] = len(tile)
        offsets = np.where(sizes > 0, 16, 0).astype("<u8")
        tables = {
            "offsets": Values(LONG8, offsets.size, offsets.tobytes()),
            "sizes": Values(LONG, sizes.size, sizes.tobytes()),
        }
        pages.append(tiled_page(across, down, side, mpp * step, **tables, t254=long(int(step > 1))))
    path.write_bytes(RawTiff(pages, big=True, data=tile).packed())
    return path
