"""Associations in words."""

from math import nan

import pytest

from shared.associations import association


@pytest.mark.parametrize(
    ("lo", "hi", "words"),
    [
        (1.01, 2, "goes with higher risk"),
        (1.004, 2, "no clear association with risk"),
        (0.5, 0.99, "goes with lower risk"),
        (0.5, 0.996, "no clear association with risk"),
        (nan, nan, "association with risk not known"),
    ],
)
def test_an_association_is_named_where_the_written_interval_excludes_one(lo: float, hi: float, words: str) -> None:
    assert association(lo, hi) == words
