"""Attention as QuPath reads it."""

import json
import tracemalloc

import numpy as np
import pytest

from services.results.rest import PAGE
from shared.export.errors import BrokenMapError, ChooseSlideError, NotStoredError
from shared.export.exported_case import ExportedCase
from shared.export.geojson import OKABE_ITO, AttentionGeoJson, attention_geojson
from shared.export.slide_attention import SlideAttention
from tests.support import qupath
from tests.support import scores as samples
from tests.support.exports import exported, without_objects

TILE = 256.5
TILES = 88


def written(file: AttentionGeoJson) -> bytes:
    return b"".join(file.chunks())


def test_qupath_reads_every_tile_as_a_square_with_its_attention() -> None:
    objects = qupath.read_objects(written(attention_geojson(exported(samples.score(slides=("A1",))))))
    tiles = [item for item in objects if item.kind == "tile"]
    assert len(tiles) == TILES
    assert tiles[0].bounds == (0, 512, TILE, 512 + TILE)
    assert tiles[0].measurements["Attention"] == pytest.approx(0.09)
    attention = [tile.measurements["Attention"] for tile in tiles]
    assert attention == sorted(attention, reverse=True)


def test_the_most_attended_tiles_are_locked_annotations() -> None:
    objects = qupath.read_objects(written(attention_geojson(exported(samples.score(slides=("A1",))))))
    annotations = [item for item in objects if item.kind == "annotation"]
    assert [item.name for item in annotations] == [f"Most attended {rank}" for rank in range(1, 6)]
    assert all(item.locked and item.path_class == "Most attended" for item in annotations)
    assert annotations[1].bounds == (256, 512, 256 + TILE, 512 + TILE)


@pytest.mark.parametrize(
    ("ratio", "name"),
    [(0.5, "Attention below mean"), (1.5, "Attention 1 to 2 x mean"), (2, "Attention 2 to 4 x mean")],
)
def test_the_class_of_a_tile_is_its_ratio_to_the_mean(ratio: float, name: str) -> None:
    attention = np.array([ratio, 2 - ratio], np.float32)
    file = of_tiles(SlideAttention(attention, np.array([[0, 0], [256, 0]], np.int32)))
    tiles = {item.bounds[0]: item for item in qupath.read_objects(written(file))}
    assert tiles[0].path_class == name
    assert tiles[0].measurements["Attention / mean"] == pytest.approx(ratio)


def test_a_tile_has_the_number_of_its_prototype() -> None:
    case = exported(samples.add_prototypes(samples.score(slides=("A1",))))
    tiles = [item for item in qupath.read_objects(written(attention_geojson(case))) if item.kind == "tile"]
    assert {(tile.bounds[1] // 256 % 3, tile.measurements["Prototype"]) for tile in tiles} == {(0, 0), (1, 1), (2, 2)}


def test_the_class_of_a_tile_is_that_of_the_composition_where_the_score_has_one() -> None:
    case = exported(samples.add_composition(samples.score(slides=("A1",))))
    data = written(attention_geojson(case))
    tiles = [item for item in qupath.read_objects(data) if item.kind == "tile"]
    kinds = {(int(tile.bounds[0]) // 256 % 3, tile.path_class) for tile in tiles}
    assert kinds == {(0, "plain"), (1, "nodules"), (2, "necrosis")}
    classifications = [feature["properties"]["classification"] for feature in json.loads(data)["features"]]
    assert {"name": "necrosis", "color": OKABE_ITO[2]} in classifications


def test_the_page_has_the_same_colours() -> None:
    page = (PAGE / "viewer_groups.js").read_text(encoding="utf-8")
    assert ", ".join(f'"#{red:02x}{green:02x}{blue:02x}"' for red, green, blue in OKABE_ITO) in page


def of_tiles(attention: SlideAttention, most: int = 600_000) -> AttentionGeoJson:
    score = samples.score(slides=("A1",))
    del score.slides[0].top_tiles[:]
    return AttentionGeoJson(exported(score), score.slides[0], attention, most)


def test_a_slide_without_tiles_is_an_empty_collection() -> None:
    empty = SlideAttention(np.zeros(0, np.float32), np.zeros((0, 2), np.int32))
    assert qupath.read_objects(written(of_tiles(empty))) == []


def test_of_more_tiles_than_wanted_the_most_attended_are_written_with_a_remark() -> None:
    attention = SlideAttention(np.arange(50, dtype=np.float32) / np.float32(1225), np.zeros((50, 2), np.int32))
    data = written(of_tiles(attention, most=5))
    assert qupath.read_objects(data)[0].measurements["Attention"] == pytest.approx(49 / 1225)
    about = json.loads(data)["medulla"]
    assert (about["tiles"], about["tiles_written"]) == (50, 5)
    assert about["remark"] == "The 5 most attended of 50 tiles are written."


def test_many_tiles_are_streamed_without_holding_the_file() -> None:
    count = 30_000
    attention = SlideAttention(np.full(count, 1 / count, np.float32), np.zeros((count, 2), np.int32))
    file = of_tiles(attention)
    tracemalloc.start()
    try:
        size = sum(len(chunk) for chunk in file.chunks())
        assert tracemalloc.get_traced_memory()[1] < size / 2
    finally:
        tracemalloc.stop()


def test_the_file_says_what_it_is_made_from_and_that_it_is_simulated() -> None:
    about = json.loads(written(attention_geojson(exported(samples.score(slides=("A1",))))))["medulla"]
    assert about["simulated"] is True
    assert about["notice"].startswith("Research use only")
    assert about["score_id"] == samples.score().score_id


def test_of_several_slides_one_is_chosen_by_name() -> None:
    case = exported(samples.score())
    with pytest.raises(ChooseSlideError, match="A1, A2; name one"):
        attention_geojson(case)
    assert attention_geojson(case, "A2").slide.slide_id == "A2"


@pytest.mark.parametrize("slide", ["", "B9"])
def test_a_slide_that_the_model_did_not_look_at_is_refused(slide: str) -> None:
    score = samples.score(slides=("A1",))
    score.slides[0].attention_key = ""
    with pytest.raises(NotStoredError, match="has no attention on"):
        attention_geojson(exported(score), slide)


def test_a_map_that_is_not_stored_or_damaged_is_refused() -> None:
    score = samples.score(slides=("A1",))
    with pytest.raises(NotStoredError, match="no attention map of slide A1 is stored"):
        attention_geojson(without_objects(score))
    with pytest.raises(BrokenMapError, match="cannot be read"):
        attention_geojson(ExportedCase(score, samples.at(5), lambda _: b"no tensors"))
