"""Measures of evidence are 1 at chance and the inverse of the pattern's share at best; hazards find a rare kind."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.profile import load_profile
from services.trainer.simulation.rare import PATTERN
from tests.studies.pool_bags import PoolCohortPlan
from tests.studies.pool_evidence import prototype_figures, top_tile_ratio
from tests.studies.tile_hazards import fit_tile_hazards
from tests.studies.tile_pool import TilePool


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


def test_a_rare_kind_of_tile_that_raises_the_hazard_is_found_out_of_fold(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(15, 5, 20, 8)) * 0.3 + 3 * np.eye(8)[:5][None, :, None, :]
    pool = TilePool(features.astype(np.float16), np.r_[np.repeat(np.arange(5), 2), np.repeat(np.arange(1000, 1005), 1)])
    drawn = PoolCohortPlan(3, "rare", 3.0, 200).draw(pool, tmp_path, load_profile())
    model, log_risk = fit_tile_hazards(drawn.cohort, drawn.bags, 1)
    has_tiles = ~np.isnan(log_risk)
    assert has_tiles.sum() == sum(drawn.simulated.has_slides)
    assert np.corrcoef(log_risk[has_tiles], drawn.latent[has_tiles])[0, 1] > 0.6
    hazards = [model.of_tiles(pool.features[:, kind].reshape(-1, 8).astype(np.float32)).mean() for kind in range(5)]
    assert int(np.argmax(hazards)) == PATTERN
