"""Labelled tiles of slides with features of another tool: found by name, as no digest of the slide is known."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.errors import BadTilesError
from services.trainer.tile_classifier.labels import labelled_tiles, read_tiles
from shared import keys
from shared.canonical import sha256
from shared.units import Sha256
from tests.support.labelled_bags import Drawn, draw


@pytest.fixture
def drawn(tmp_path: Path) -> Drawn:
    return draw(tmp_path / "drawn", [np.array([0.5, 0.5])] * 4, apart=3.0)


def with_other_digests(drawn: Drawn, folder: Path, made_by: str) -> Embeddings:
    """The same bags under digests of their own, as an importer lists them."""
    shutil.copytree(drawn.embeddings, folder)
    rows = list(csv.DictReader((drawn.embeddings / "index.csv").open()))
    for row in rows:
        row["slide_digest"] = sha256(row["slide_id"].encode())
    with (folder / "index.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    embeddings = read_embeddings(folder)
    for bag in (bag for case in embeddings.by_case.values() for bag in case):
        plan = folder / keys.plan_prefix(Sha256(bag.slide_digest), Sha256(bag.plan_digest)) / keys.PLAN
        plan.parent.mkdir(parents=True, exist_ok=True)
        plan.write_text(json.dumps({"made_by": made_by}))
    return embeddings


def test_imported_bags_are_found_by_the_name_of_their_slide(drawn: Drawn, tmp_path: Path) -> None:
    table = read_tiles(drawn.tiles)
    imported = labelled_tiles(table, with_other_digests(drawn, tmp_path / "imported", "medulla import"))
    own = labelled_tiles(table, read_embeddings(drawn.embeddings))
    assert np.array_equal(imported.features, own.features)
    assert imported.label.tolist() == own.label.tolist()


def test_bags_of_another_slide_of_the_same_name_are_not_taken(drawn: Drawn, tmp_path: Path) -> None:
    with pytest.raises(BadTilesError, match="none of their slides does"):
        labelled_tiles(read_tiles(drawn.tiles), with_other_digests(drawn, tmp_path / "other", "Medulla"))
