"""Features are compared only where a network gives one vector for each tile."""

import numpy as np
import pytest

from services.embedder.ports import Features
from services.standalone.encoders.errors import BadNetworkError, DifferentFeaturesError
from services.standalone.encoders.parity import compare
from shared.errors import PermanentError

TILES = np.zeros((2, 32, 32, 3), np.uint8)
VECTORS = np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)


def test_the_difference_is_a_share_of_the_norm_of_its_own_tile() -> None:
    other = VECTORS + np.array([[0.5, 0.0], [0.25, 0.0]], np.float32)
    parity = compare(lambda _: other, lambda _: VECTORS, "torch", TILES)
    assert (parity.largest_difference, parity.share_of_norm) == (0.5, 0.25)


@pytest.mark.parametrize(
    ("served", "reference", "error", "sentence"),
    [
        (VECTORS[:, 0], VECTORS[:, 0], BadNetworkError, r"torch gives \[2\] for 2 tiles, not \[2, dim\]"),
        (VECTORS, VECTORS * [[1], [0]], BadNetworkError, "torch gives only zeros for a tile"),
        (VECTORS[:, :1], VECTORS, DifferentFeaturesError, r"gives features \[2, 1\], torch \[2, 2\]"),
        (VECTORS * np.nan, VECTORS, DifferentFeaturesError, "no numbers"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    served: Features, reference: Features, error: type[PermanentError], sentence: str
) -> None:
    with pytest.raises(error, match=sentence):
        compare(lambda _: served, lambda _: reference, "torch", TILES)
