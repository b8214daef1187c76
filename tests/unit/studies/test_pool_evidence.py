"""Measures of evidence are 1 at chance and the inverse of the pattern's share at best."""

import numpy as np
import pytest

from tests.studies.pool_evidence import prototype_figures, top_tile_ratio


def test_attention_on_the_pattern_alone_is_as_many_times_chance_as_the_pattern_is_rare() -> None:
    shows = [np.arange(200) < 10, np.arange(200) >= 190]
    attention = [each.astype(np.float64) for each in shows]
    assert top_tile_ratio(attention, shows) == pytest.approx(20)


def test_attention_that_knows_nothing_is_at_chance() -> None:
    rng = np.random.default_rng(1)
    shows = [rng.random(400) < 0.05 for _ in range(300)]
    attention = [rng.random(400) for _ in shows]
    assert top_tile_ratio(attention, shows) == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize(("weights", "expected"), [((0.0, 1.0), 4.0), ((1.0, 0.0), 0.0)])
def test_the_prototype_of_the_largest_weight_is_the_one_that_is_asked_for_the_pattern(
    weights: tuple[float, float], expected: float
) -> None:
    members, shows = [np.array([0, 0, 0, 1])], [np.array([False, False, False, True])]
    assert prototype_figures(np.array(weights), members, shows) == {"prototype_ratio": expected, "purest": 1.0}
