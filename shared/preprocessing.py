"""How the pixels of a tile are made from those that a slide stores; encoders and plans name the version."""

from enum import StrEnum


class Preprocessing(StrEnum):
    """A version never changes: what would give other pixels is a new one."""

    AREA = "area"
    """Cut from the coarsest stored level that is fine enough, averaged over areas to the tile's size."""
    DCT = "dct"
    """Stored JPEG tiles at least twice as fine as wanted are decoded at 1/2, 1/4 or 1/8 of their size, by the inverse
    DCT of their lower frequencies. A level within 2 % of the wanted resolution is cut as it is, about the same centre;
    any other is averaged over areas."""


def is_default(preprocessing: Preprocessing) -> bool:
    """Whether plans and manifests leave it out, as those do that are older than the second version."""
    return preprocessing is Preprocessing.AREA
