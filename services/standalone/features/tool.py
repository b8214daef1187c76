"""The programs whose feature files are read and written."""

from enum import StrEnum


class Tool(StrEnum):
    """A program that computes features of tiles."""

    TRIDENT = "trident"
    CLAM = "clam"
    STAMP = "stamp"


class Unit(StrEnum):
    """What the coordinates of a feature file count."""

    LEVEL0 = "level0"
    """Pixels of the slide's full resolution."""
    UM = "um"
    """Microns."""
    TILE = "tile"
    """Pixels of the tile's own resolution."""
