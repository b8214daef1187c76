"""Targets that read slides: headers and directories changed, pixels damaged, files cut."""

import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import tifffile

from services.standalone.selection import parted, select
from services.standalone.slide_finding import look
from services.tiler.readers import open_slide
from tests.fuzz.mutations import damaged
from tests.fuzz.targets import Make, Read, Target
from tests.support import slides

_ENTRY = struct.Struct("<HHII")
_SIDE = 1200
_MPP = 1.0
"""A coarse scan, so that few pixels are more than a millimetre."""
_ODD = (0, 1, 2, 3, 7, 255, 256, 4096, 65_535, 65_536, 119_904, 1_000_000, 2**31 - 1, 2**31, 2**32 - 1)
_DICOM_HEADER = 6000
_TAGS = (254, 256, 257, 258, 259, 262, 270, 277, 282, 283, 284, 296, 322, 323, 324, 325, 330, 347, 530)


def tiff_entries(data: bytes) -> Iterator[tuple[int, bool]]:
    """Where the entries of a classic little-endian TIFF's directories stand, and the pointers between them (True)."""
    pointer = 4
    while (at := struct.unpack_from("<I", data, pointer)[0]) and at + 2 <= len(data):
        yield pointer, True
        (count,) = struct.unpack_from("<H", data, at)
        yield from ((at + 2 + 12 * n, False) for n in range(count))
        pointer = at + 2 + 12 * count


def odd_tiff(good: bytes, rng: Random) -> bytes:
    """A TIFF with some entries of its directories, or the pointers between them, changed."""
    copy, places = bytearray(good), list(tiff_entries(good))
    for _ in range(rng.choice((1, 1, 2, 3))):
        at, is_pointer = rng.choice(places)
        if is_pointer:
            loop = rng.choice([struct.unpack_from("<I", good, place)[0] for place, pointer in places if pointer])
            struct.pack_into("<I", copy, at, rng.choice((loop, rng.randrange(len(good)), rng.choice(_ODD))))
        else:
            fields = list(_ENTRY.unpack_from(copy, at))
            choice = rng.choice((0, 1, 2, 3, 3, 3))
            small = rng.randrange(14) if choice == 1 else rng.choice(_TAGS)
            fields[choice] = small if choice < 2 else rng.choice((*_ODD, rng.randrange(len(good))))
            _ENTRY.pack_into(copy, at, *fields)
    return bytes(copy)


def _inspected(name: str) -> Read:
    def read(data: bytes, folder: Path) -> object:
        (folder / name).write_bytes(data)
        slides_found, refused = parted(select([folder / name]))
        if refused:
            raise refused[0].error
        return [look(slide, 0.5, open_slide, lambda *_: None) for slide in slides_found]

    return read


def _tiff(folder: Path) -> tuple[Make, Read]:
    pixels = slides.cc0_pixels()[900 : 900 + _SIDE, 700 : 700 + _SIDE]
    good = slides.write_tiff(folder / "good.tif", pixels, (_MPP, _MPP), shrinks=1).read_bytes()

    def make(rng: Random) -> bytes:
        kind = rng.random()
        return (
            odd_tiff(good, rng)
            if kind < 0.7
            else damaged(good, rng)
            if kind < 0.9
            else good[: rng.randrange(len(good))]
        )

    return make, _inspected("slide.tif")


def _svs(folder: Path) -> tuple[Make, Read]:
    pixels = slides.cc0_pixels()[900 : 900 + _SIDE, 700 : 700 + _SIDE]
    size = f"{_SIDE}x{_SIDE}"
    description = (
        f"Aperio Image Library v11.2.1\r\n{size} [0,0 {size}] (256x256) JPEG/RGB Q=70|AppMag = 10|MPP = {_MPP}"
    )
    stored: dict[str, Any] = {
        "tile": (256, 256),
        "compression": "jpeg",
        "photometric": "rgb",
        "description": description,
        "metadata": None,
    }
    tifffile.imwrite(folder / "good.svs", pixels, **stored)
    good = (folder / "good.svs").read_bytes()

    def make(rng: Random) -> bytes:
        return odd_tiff(good, rng) if rng.random() < 0.7 else damaged(good, rng)

    return make, _inspected("slide.svs")


def _dicom(folder: Path) -> tuple[Make, Read]:
    good = slides.write_dicom(folder / "good.dcm").read_bytes()

    def make(rng: Random) -> bytes:
        return damaged(good, rng, _DICOM_HEADER if rng.random() < 0.8 else None)

    return make, _inspected("slide.dcm")


TARGETS = (
    Target("tiff", _tiff, seconds=60, peak_mb=1536),
    Target("svs", _svs, seconds=60, peak_mb=1536),
    Target("dicom", _dicom, seconds=60, peak_mb=1536),
)
