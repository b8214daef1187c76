"""Opens a whole-slide image."""

from pathlib import Path

from services.standalone.errors import NothingFoundError, located, refusal
from services.tiler import readers
from services.tiler.ports import Cut, Region, SlideReader
from services.tiler.resolution import Override

__all__ = ["Cut", "Region", "open_slide"]


def open_slide(path: str | Path, *, mpp: float | None = None, default_mpp: float | None = None) -> SlideReader:
    """Open a slide file, or a folder with the files of one DICOM series, in this process.

    Coordinates are level-0 pixels, resolutions microns per pixel: `mpp` counts whatever the slide states,
    `default_mpp` where it states none. The reader is a context manager, and safe to use from several threads.

    >>> import numpy as np
    >>> with medulla.open_slide(medulla.demo.SLIDE) as slide:
    ...     facts = slide.describe()
    ...     tiles = slide.read_tiles(np.array([[512, 768]]), medulla.Cut(width_px=256, height_px=256, px=224))
    >>> facts.width_px, facts.height_px, round(facts.resolution.mpp_x, 3)
    (2220, 2967, 0.499)
    >>> tiles.pixels.shape, tiles.pixels.dtype, bool(tiles.corrupt.any())
    ((1, 224, 224, 3), dtype('uint8'), False)

    Raises:
        medulla.errors.SlideError: it cannot be opened, is no slide, or claims more than the limits allow.
        medulla.errors.NothingFoundError: there is no such file.
        medulla.errors.UnreadableFileError: the system refuses to read it.
    """
    try:
        return readers.open_slide(Path(path), Override(mpp, default_mpp))
    except FileNotFoundError as error:
        raise NothingFoundError(f"{path}: no such file or folder") from error
    except OSError as error:
        raise located(refusal(error), Path(path)) from error
