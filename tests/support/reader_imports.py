"""Reads slides as a child of the reader host does, and prints what was imported only then."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np

from services.tiler import reader_host, readers
from services.tiler.ports import Cut, Region
from services.tiler.resolution import Override
from shared.units import Level0Px, MicronsPerPx, TilePx


def main(paths: list[str]) -> None:
    """Read each slide in every way."""
    for late in reader_host.IMPORTED_LATE:
        import_module(late)
    before = set(sys.modules)
    for path in paths:
        reader = readers.open_slide(Path(path), Override(default=0.5))
        origins, cut = np.array([[0, 0], [200, 200]], np.int32), Cut(Level0Px(100), Level0Px(100), TilePx(50))
        reader.describe()
        reader.read_overview(MicronsPerPx(8.0))
        reader.find_damaged(origins, cut)
        reader.read_tiles(origins, cut)
        reader.layout()
        reader.read_region(Region(0, 0, 100, 100, 50, 50))
        reader.close()
    sys.stdout.write("\n".join(sorted(set(sys.modules) - before)))


if __name__ == "__main__":
    main(sys.argv[1:])
