"""Projection of tiles, without the axes that show the site."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.slides.projection import fit_projection
from shared.arrays import Floats
from tests.support.cohorts import write_bags

CASES, TILES, WIDTH = 60, 20, 8


def test_an_axis_that_shows_the_site_is_removed_and_others_stay(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names, sites = [f"c{i}" for i in range(CASES)], [f"s{i % 3}" for i in range(CASES)]
    own = rng.normal(size=CASES)
    bags = {}
    for i, name in enumerate(names):
        bags[name] = rng.normal(size=(TILES, WIDTH))
        bags[name][:, 0] += 3.0 * (i % 3)
        bags[name][:, 1] += 2.0 * own[i]
    embeddings = read_embeddings(write_bags(tmp_path, bags))
    projection = fit_projection(embeddings, names, sites)
    means = np.stack([projection(embeddings.bag(name)).mean(axis=0) for name in names])
    by_site = np.stack([means[np.array(sites) == site].mean(axis=0) for site in sorted(set(sites))])
    assert np.abs(by_site - by_site.mean(axis=0)).max() < 0.35
    assert max(abs(np.corrcoef(own, column)[0, 1]) for column in means.T) > 0.8


def test_axes_have_unit_spread_over_tiles(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    bags = {f"c{i}": rng.normal(size=(TILES, WIDTH)) * np.arange(1, WIDTH + 1) for i in range(CASES)}
    embeddings = read_embeddings(write_bags(tmp_path, bags))
    projection = fit_projection(embeddings, list(bags), [""] * CASES)
    tiles = np.concatenate([projection(embeddings.bag(name)) for name in bags])
    assert tiles.std(axis=0) == pytest.approx(1, abs=0.05)


def test_bags_of_one_tile_and_of_equal_tiles_can_be_projected(tmp_path: Path) -> None:
    bags: dict[str, Floats] = {f"c{i}": np.full((1, WIDTH), float(i % 2)) for i in range(10)}
    bags["same"] = np.zeros((5, WIDTH))
    embeddings = read_embeddings(write_bags(tmp_path, bags))
    projection = fit_projection(embeddings, list(bags), [""] * 11)
    assert np.isfinite(projection(embeddings.bag("same"))).all()
