"""Prototypes in words."""

import pytest
from medulla.v1.scorer_pb2 import HazardRatio, TilePrototype

from shared.export.prototype_text import direction, prototype_lines, shares
from tests.support import scores as samples


@pytest.mark.parametrize(
    ("lo", "hi", "words"),
    [
        (1.01, 2, "goes with higher risk"),
        (1.004, 2, "no clear association with risk"),
        (0.5, 0.99, "goes with lower risk"),
        (0.5, 0.996, "no clear association with risk"),
    ],
)
def test_a_direction_is_named_where_the_written_interval_excludes_one(lo: float, hi: float, words: str) -> None:
    assert direction(TilePrototype(hazard_ratio=HazardRatio(ratio=1, lo=lo, hi=hi))) == words


def test_without_an_interval_nothing_is_said_of_risk() -> None:
    score = samples.add_prototypes(samples.score())
    score.prototypes[0].ClearField("hazard_ratio")
    first = next(prototype_lines(score, score.slides[0]))
    assert first == "Prototype 0: 50.0% of tiles, association with risk not known"


def test_the_most_frequent_are_named_and_the_others_counted() -> None:
    score = samples.add_prototypes(samples.score())
    assert shares(score, score.slides[0], most=2) == "Prototypes: 0 (50.0% of tiles), 1 (38.0% of tiles) and 1 more."
    assert shares(samples.score(), score.slides[0], most=2) == ""
