"""How tissue is stained, in seven numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tiler.staining import stain_colours

EOSIN, BROWN, BLUE = (226, 150, 190), (150, 110, 70), (140, 140, 200)


def slide(*colours: tuple[int, int, int], glass: int = 244) -> tuple[np.ndarray, np.ndarray]:
    """Equal bands of colours in a frame of glass, and where they are."""
    pixels = np.full((40, 20 * len(colours), 3), glass, np.uint8)
    tissue = np.zeros(pixels.shape[:2], np.bool_)
    for i, colour in enumerate(colours):
        pixels[10:30, 20 * i : 20 * i + 20] = colour
    tissue[10:30] = True
    return pixels, tissue


def test_brown_has_more_of_its_density_in_blue_light_and_blue_less() -> None:
    blue_share = {name: stain_colours(*slide(colour))[4] for name, colour in (("e", EOSIN), ("d", BROWN), ("h", BLUE))}
    assert blue_share["d"] > blue_share["e"] > blue_share["h"]


def test_two_stains_lie_farther_apart_than_one() -> None:
    mixed, alone = stain_colours(*slide(EOSIN, BLUE)), stain_colours(*slide(EOSIN))
    assert mixed[2] - mixed[0] > alone[2] - alone[0] == pytest.approx(0)


def test_without_tissue_there_is_nothing_to_say() -> None:
    pixels, tissue = slide(EOSIN)
    assert stain_colours(pixels, ~tissue & tissue) == ()
    assert stain_colours(np.full_like(pixels, 255), tissue) == ()


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_shares_are_shares_whatever_the_colours(red: int, green: int, blue: int, glass: int) -> None:
    colours = stain_colours(*slide((red, green, blue), glass=glass))
    assert all(0 <= colour <= 1 for colour in colours[:6])
    assert np.isfinite(colours).all()
