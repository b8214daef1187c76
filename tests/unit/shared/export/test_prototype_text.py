"""Prototypes in words."""

from shared.export.prototype_text import prototype_lines, shares
from tests.support import scores as samples


def test_without_an_interval_nothing_is_said_of_risk() -> None:
    score = samples.add_prototypes(samples.score())
    score.prototypes[0].ClearField("hazard_ratio")
    first = next(prototype_lines(score, score.slides[0]))
    assert first == "Prototype 0: 50.0% of tiles, association with risk not known"


def test_the_most_frequent_are_named_and_the_others_counted() -> None:
    score = samples.add_prototypes(samples.score())
    assert shares(score, score.slides[0], most=2) == "Prototypes: 0 (50.0% of tiles), 1 (38.0% of tiles) and 1 more."
    assert shares(samples.score(), score.slides[0], most=2) == ""
