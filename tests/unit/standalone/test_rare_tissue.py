"""SIMULATED slides with a rare pattern: its share follows the latent, its nuclei are enlarged, its tiles are listed."""

import csv
from pathlib import Path

import numpy as np
import openslide
import pytest

from services.standalone.demo_case import DEMO_SLIDE
from services.standalone.rare_tissue import RareSource, draw_rare_slide, read_rare_source
from services.standalone.simulated_slides import TILES, write_slides
from services.standalone.simulated_tissue import TILE
from services.trainer.simulation.rare import BACKGROUNDS, PATTERN, rare_shares
from services.trainer.simulation.simulate import SimulationPlan, simulate
from tests.support.cohorts import quiet


@pytest.fixture(scope="module")
def source() -> RareSource:
    return read_rare_source(DEMO_SLIDE)


def test_the_pattern_has_3_to_8_percent_of_tiles_for_most_latents_and_follows_them() -> None:
    rng = np.random.default_rng(1)
    latent = rng.normal(size=2000)
    shares = rare_shares(latent, rng.integers(0, 5, 2000), rng)
    assert shares.sum(axis=1) == pytest.approx(np.ones(2000))
    assert np.quantile(shares[:, PATTERN], [0.16, 0.84]) == pytest.approx([0.03, 0.08], abs=0.006)
    assert np.corrcoef(shares[:, PATTERN], latent)[0, 1] > 0.9


def test_backgrounds_vary_between_sites_and_within_them_and_not_with_the_latent() -> None:
    rng = np.random.default_rng(2)
    latent, sites = rng.normal(size=3000), rng.integers(0, 4, 3000)
    shares = rare_shares(latent, sites, rng)[:, :BACKGROUNDS]
    by_site = np.stack([shares[sites == site].mean(axis=0) for site in range(4)])
    assert by_site.std(axis=0).max() > 0.08
    assert shares[sites == 0].std(axis=0).max() > 0.08
    assert max(abs(np.corrcoef(share, latent)[0, 1]) for share in shares.T) < 0.1


def test_the_pattern_is_the_middle_of_its_place_enlarged(source: RareSource) -> None:
    y, x = source.places[PATTERN][0]
    tile, middle = source.tile(PATTERN, y, x), source.pixels[y + 48 : y + 208, x + 48 : x + 208]
    assert tile.shape == (TILE, TILE, 3)
    assert tile.mean(axis=(0, 1)) == pytest.approx(middle.mean(axis=(0, 1)), abs=2)


def test_a_slide_holds_the_tiles_that_it_lists_between_glass(source: RareSource) -> None:
    slide = draw_rare_slide(source, np.array([0.0, 0.0, 0.5, 0.4, 0.1]), np.random.default_rng(3))
    assert set(slide.kinds.tolist()) == {2, 3, PATTERN}
    covered = np.zeros(slide.pixels.shape[:2], np.bool_)
    for x, y in slide.corners:
        covered[y : y + TILE, x : x + TILE] = True
    assert np.unique(slide.pixels[~covered]).tolist() == [244]


def test_tiles_of_every_slide_are_listed_beside_them(tmp_path: Path) -> None:
    plan = SimulationPlan(patients=3, seed=3, sites=2, tiles=1, width=8, rare=True)
    write_slides(simulate(plan, tmp_path, quiet), plan, tmp_path / "slides", quiet)
    with (tmp_path / TILES).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = {path.parent.name: path for path in (tmp_path / "slides").rglob("*.tiff")}
    assert {row["case_id"] for row in rows} == set(paths)
    with openslide.OpenSlide(paths[rows[0]["case_id"]]) as slide:
        own = [row for row in rows if row["case_id"] == rows[0]["case_id"]]
        assert max(int(row["x"]) for row in own) + 2 * TILE == slide.dimensions[0]
        assert max(int(row["y"]) for row in own) + 2 * TILE == slide.dimensions[1]
    assert all(row["pattern"] == str(int(row["kind"] == str(PATTERN))) for row in rows)
