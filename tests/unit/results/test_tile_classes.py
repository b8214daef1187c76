"""Classes of places keep what a plan says of them, and are merged for large slides."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.results.tile_classes import TileClass, TileClasses, classify, thin_out
from shared.slides.verdict import Verdict

TILE = (256.0, 300.0)
LEDGER = np.array([[Verdict.OK, Verdict.BACKGROUND, Verdict.OK], [Verdict.PEN, Verdict.BLURRED, Verdict.OK]], np.uint8)


def test_a_planned_tile_that_was_not_embedded_is_corrupt() -> None:
    embedded = np.array([[0, 0], [512, 300]], np.int32)
    answer = classify(LEDGER, TILE, embedded).as_json()
    assert answer["rows"] == ["014", "230"]
    assert answer["classes"] == ["ok", "background", "pen", "blurred", "corrupt"]
    assert (answer["square_width_px"], answer["square_height_px"], answer["merged"]) == (256.0, 300.0, 1)


def test_without_attention_no_tile_is_called_corrupt() -> None:
    assert classify(LEDGER, TILE, None).as_json()["rows"] == ["010", "230"]


def test_merged_places_have_their_most_frequent_class() -> None:
    places = np.zeros((3, 4), np.uint8)
    places[:2, 2:] = TileClass.BLURRED
    places[2, 0] = TileClass.PEN
    places[0, 0] = TileClass.PEN
    merged = thin_out(TileClasses(places, *TILE), largest=4)
    assert merged.places.tolist() == [[TileClass.OK, TileClass.BLURRED], [TileClass.OK, TileClass.OK]]
    assert (merged.merged, merged.width_px, merged.height_px) == (2, 512.0, 600.0)


@given(rows=st.integers(1, 60), columns=st.integers(1, 60), largest=st.integers(4, 500))
def test_merged_places_cover_the_grid_and_invent_no_class(rows: int, columns: int, largest: int) -> None:
    places = np.random.default_rng(rows * 61 + columns).integers(0, len(TileClass), (rows, columns)).astype(np.uint8)
    merged = thin_out(TileClasses(places, *TILE), largest)
    covered = np.kron(merged.places, np.ones((merged.merged, merged.merged), np.uint8))
    assert covered.shape[0] >= rows
    assert covered.shape[1] >= columns
    assert set(merged.places.ravel().tolist()) <= set(places.ravel().tolist())
