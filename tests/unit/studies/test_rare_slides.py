"""Slides with a rare pattern: the tiles that are looked up are those that were drawn, and the summary is of sets."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.embeddings import read_embeddings
from services.trainer.simulation.simulate import write_bag
from services.trainer.simulation.tables import write_table
from tests.studies.rare_slides import rare_slides_criteria, rare_slides_summary, shown_pattern

FIGURES = {"has_weight": 1.0, "latent_r": 0.5, "prototype_ratio": 7.0, "purest": 0.9}


def test_a_tile_shows_the_pattern_where_the_list_says_so_of_its_case_and_corner(tmp_path: Path) -> None:
    written = [write_bag(tmp_path / "bags", case, np.zeros((3, 8), np.float32)) for case in ("P-1", "P-2")]
    write_table(tmp_path / "bags" / "index.csv", written)
    bags = read_embeddings(tmp_path / "bags")
    corners = [tuple(corner) for corner in bags.by_case["P-1"][0].origins().tolist()]
    rows = [
        {"case_id": "P-1", "x": str(x), "y": str(y), "kind": "4", "pattern": str(int(place == 1))}
        for place, (x, y) in enumerate(corners)
    ]
    write_table(tmp_path / "tiles.csv", rows)
    shows = shown_pattern(tmp_path / "tiles.csv", bags, ["P-2", "P-1"])
    assert [each.tolist() for each in shows] == [[False] * 3, [False, True, False]]


@pytest.mark.parametrize(("times", "is_met"), [((9.0, 5.0), True), ((9.0, 0.5), False)])
def test_a_set_of_slides_counts_once_whatever_its_draws(times: tuple[float, float], is_met: bool) -> None:
    plan = {"effect": 2.5, "draws": 2, "patients": 200, "external": 40}
    pieces = [
        {"plan": {"seed": seed, **plan}, "value": {"draws": [{**FIGURES, "top_tiles": t} for t in (own, own - 0.4)]}}
        for seed, own in enumerate(times)
    ]
    value = rare_slides_summary(pieces)
    assert value["top_tiles"]["est"] == pytest.approx(sum(times) / 2 - 0.2)
    assert value["top_tiles"]["seeds"] == 2
    assert [criterion.met for criterion in rare_slides_criteria(value)] == [is_met, True]
