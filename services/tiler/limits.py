"""Limits of what a slide may claim, checked before pixels are read; beyond them it is `slide_too_large`.

They hold for whole mounts of 203 x 152 mm at 0.25 um/px (812,000 x 608,000 px in 7.5 million tiles of 256 px), which
are planned within 1.5 GiB of memory.
"""

from collections.abc import Sequence

from services.tiler.errors import SlideBeyondBoundsError
from services.tiler.ports import Level

MAX_SIDE_PX = 2**21
"""Width or height of a level."""
MAX_PIXELS = 2**39
"""Of a level: 550 gigapixels."""
MAX_LEVELS = 64
MAX_DIRECTORIES = 1024
"""Of a TIFF, SubIFDs included."""
MAX_DIRECTORY_FIELDS = 512
"""Of one TIFF directory."""
MAX_STORED_TILES = 2**23
"""Of one level: TIFF tiles, or DICOM frames."""
MIN_STORED_FRAME_BYTES = 40
"""Of one DICOM frame: the header of its item, and the markers of the smallest JPEG."""
MAX_STORED_TILE_BYTES = 2**26
"""Of one compressed tile: 64 MiB."""
MAX_DECODED_TILE_BYTES = 2**26
"""Of one decoded tile: 64 MiB, a square of 4,729 px."""
MAX_TEXT_BYTES = 2**23
"""Of an image description, OME-XML included, or of JPEG tables: 8 MiB."""
MAX_OVERVIEW_PX = 2**26
"""Pixels of the overview; a slide of more than 65 x 65 mm gets a coarser overview than 8 um/px."""
MAX_PLACES = 2**24
"""Places of the grid."""
MAX_REGION_PX = 2048
"""Side of a picture of one region."""
MAX_REGION_READ_PX = 2**25
"""Pixels that are read for one region: 33 megapixels."""
MAX_REGION_BYTES = 2**24
"""Of a region's JPEG file: 16 MiB."""


def check_levels(levels: Sequence[Level]) -> None:
    """Raise SlideBeyondBoundsError if a pyramid has too many levels, or a too large one."""
    if len(levels) > MAX_LEVELS:
        raise SlideBeyondBoundsError(f"the slide claims {len(levels):,} levels; {MAX_LEVELS} at most")
    for level in levels:
        check_size(level.width_px, level.height_px)


def check_size(width_px: int, height_px: int) -> None:
    """Raise SlideBeyondBoundsError if a level claims more pixels than any slide has."""
    if max(width_px, height_px) > MAX_SIDE_PX or width_px * height_px > MAX_PIXELS:
        bounds = f"{MAX_SIDE_PX:,} px a side and {MAX_PIXELS / 1e9:.0f} gigapixels at most"
        raise SlideBeyondBoundsError(f"the slide claims {width_px:,} x {height_px:,} px; {bounds}")


def check_tiles(width_px: int, height_px: int, pixel_bytes: int, count: int) -> None:
    """Raise SlideBeyondBoundsError if stored tiles are larger or more than a reader can hold."""
    if width_px * height_px * pixel_bytes > MAX_DECODED_TILE_BYTES:
        bound = f"{MAX_DECODED_TILE_BYTES:,} bytes decoded at most"
        raise SlideBeyondBoundsError(f"the slide is stored in tiles of {width_px:,} x {height_px:,} px; {bound}")
    if count > MAX_STORED_TILES:
        raise SlideBeyondBoundsError(f"a level claims {count:,} stored tiles; {MAX_STORED_TILES:,} at most")
