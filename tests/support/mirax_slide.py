"""A MIRAX slide that OpenSlide opens: one level of JPEG tiles, its index, and the file that stands for it."""

import io
import struct
from collections.abc import Iterator

from PIL import Image

from tests.support.slides import Pixels

_SIDE = 256
_ID = "0" * 32
_INDEX_START = b"01.02" + _ID.encode()
_LAYOUT = """\ufeff[GENERAL]
SLIDE_VERSION = 01.02
SLIDE_ID = {name}
IMAGENUMBER_X = {columns}
IMAGENUMBER_Y = {rows}
OBJECTIVE_MAGNIFICATION = 20

[HIERARCHICAL]
HIER_COUNT = 1
HIER_0_NAME = Slide zoom level
HIER_0_COUNT = 1
HIER_0_VAL_0_SECTION = LEVEL_0
NONHIER_COUNT = 0
INDEXFILE = Index.dat

[DATAFILE]
FILE_COUNT = 1
FILE_0 = Data0000.dat

[LEVEL_0]
OVERLAP_X = 0
OVERLAP_Y = 0
MICROMETER_PER_PIXEL_X = 0.499
MICROMETER_PER_PIXEL_Y = 0.499
IMAGE_FILL_COLOR_BGR = 16777215
DIGITIZER_WIDTH = {side}
DIGITIZER_HEIGHT = {side}
IMAGE_FORMAT = JPEG
IMAGE_CONCAT_FACTOR = 0
"""


def mirax_slide(name: str, pixels: Pixels) -> dict[str, bytes]:
    """Files of the slide by what they are called; pixels beyond whole tiles of 256 are left out."""
    rows, columns = pixels.shape[0] // _SIDE, pixels.shape[1] // _SIDE
    tiles = list(_tiles(pixels, rows, columns))
    layout = _LAYOUT.format(name=_ID, columns=columns, rows=rows, side=_SIDE)
    return {
        f"{name}.mrxs": tiles[0],
        f"{name}/Slidedat.ini": layout.encode(),
        f"{name}/Index.dat": _index([len(tile) for tile in tiles]),
        f"{name}/Data0000.dat": b"".join(tiles),
    }


def _tiles(pixels: Pixels, rows: int, columns: int) -> Iterator[bytes]:
    for row in range(rows):
        for column in range(columns):
            stored = io.BytesIO()
            tile = pixels[row * _SIDE : (row + 1) * _SIDE, column * _SIDE : (column + 1) * _SIDE]
            Image.fromarray(tile).save(stored, "JPEG", quality=90)
            yield stored.getvalue()


def _index(lengths: list[int]) -> bytes:
    """Roots, the table of levels, the level's first record, and one page with the place of each tile."""
    levels = len(_INDEX_START) + 8
    record, page = levels + 4, levels + 12
    head = struct.pack("<5i", levels, 0, record, 0, page)
    entries = ((number, sum(lengths[:number]), length, 0) for number, length in enumerate(lengths))
    return _INDEX_START + head + struct.pack("<2i", len(lengths), 0) + b"".join(struct.pack("<4i", *e) for e in entries)
