"""QuPath's annotations as areas: every form that QuPath writes, and what is left out or refused."""

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.standalone.annotations import feature_files
from services.standalone.annotations.class_areas import ClassAreas, class_areas
from services.standalone.annotations.errors import BadAnnotationsError
from services.tiler.grid import GridSpec, lay
from services.tiler.ports import Level, Resolution, SlideFacts
from shared.units import Microns, MicronsPerPx, TilePx
from tests.support.annotations import Ring, annotation, polygon, square

HALF = MicronsPerPx(0.5)
SLIDE = SlideFacts("test", "jpeg", (Level(4000, 2000, 1.0),), Resolution(HALF, HALF, "test"))
GRID = lay(GridSpec(tile_px=TilePx(256), tile_um=Microns(128.0)), SLIDE)
TUMOR = annotation("Tumor", polygon(square(0, 0, 1000, 1000)))


def areas(*features: Any, slide: SlideFacts = SLIDE) -> ClassAreas:
    return class_areas(features, slide, GRID)


def sizes(*features: Any) -> dict[str, float]:
    return {name: area.area for name, area in areas(*features).areas.items()}


def test_holes_are_outside_and_parts_of_a_multipolygon_count_once() -> None:
    holed = polygon(square(0, 0, 1000, 1000), square(100, 100, 100, 100))
    twice = {"type": "MultiPolygon", "coordinates": [[square(2000, 0, 500, 500)], [square(2250, 0, 500, 500)]]}
    assert sizes(annotation("Tumor", holed), annotation("Stroma", twice)) == {"Tumor": 990_000, "Stroma": 375_000}


@pytest.mark.parametrize(
    "classification",
    [
        {"names": ["Tumor", "Anaplastic"], "color": [1, 2, 3]},
        {"name": "Tumor: Anaplastic", "colorRGB": -65536},
        {"parentClass": {"name": "Tumor", "colorRGB": -65536}, "name": "Anaplastic", "colorRGB": -1},
        "Tumor: Anaplastic",
    ],
)
def test_a_derived_class_is_named_alike_in_every_version_of_qupath(classification: Any) -> None:
    feature = annotation(None, polygon(square(0, 0, 600, 600)), classification=classification)
    assert sizes(feature) == {"Tumor: Anaplastic": 360_000}


def test_an_object_of_qupath_0_2_has_its_type_as_its_id() -> None:
    old = {key: value for key, value in TUMOR.items() if key != "properties"}
    properties = {"classification": {"name": "Tumor", "colorRGB": -1}}
    read = areas(
        old | {"id": "PathAnnotationObject", "properties": properties},
        old | {"id": "PathCellObject", "properties": properties},
    )
    assert list(read.areas) == ["Tumor"]
    assert read.left_out == {"tiles, cells and other detections": 1}


def test_what_is_no_area_of_a_class_is_left_out_and_counted() -> None:
    box = polygon(square(0, 0, 900, 900))
    read = areas(
        TUMOR,
        annotation(None, box),
        annotation("Region*", box),
        annotation("Stroma", {"type": "LineString", "coordinates": [[0, 0], [900, 900]]}),
        annotation("Stroma", box, objectType="tile"),
        annotation("Stroma", box | {"plane": {"c": -1, "z": 2, "t": 0}}),
        annotation("Most attended", box),
    )
    assert list(read.areas) == ["Tumor"]
    assert sum(read.left_out.values()) == 6
    assert len(read.left_out) == 6


def test_ignore_is_taken_out_of_every_class() -> None:
    ignore = annotation("Ignore*", polygon(square(0, 0, 500, 1000)))
    stroma = annotation("Stroma", polygon(square(250, 0, 500, 1000)))
    assert sizes(TUMOR, stroma, ignore) == {"Tumor": 500_000, "Stroma": 250_000}


def test_a_self_intersection_is_repaired_by_its_own_outline() -> None:
    bow_tie: Ring = [[0, 0], [1000, 1000], [1000, 0], [0, 1000], [0, 0]]
    assert sizes(annotation("Tumor", polygon(bow_tie))) == {"Tumor": pytest.approx(500_000)}


def test_a_slide_whose_format_states_a_scanned_area_is_counted_from_its_corner() -> None:
    slide = SlideFacts("mirax", "jpeg", SLIDE.levels, SLIDE.resolution, "openslide", (300, 200))
    assert areas(TUMOR, slide=slide).areas["Tumor"].bounds == (300, 200, 1300, 1200)


@pytest.mark.parametrize(
    ("ring", "words"),
    [
        ([[math.nan, 0], [1, 0], [1, 1], [math.nan, 0]], "no number of pixels"),
        ([[1e300, 0], [1, 0], [1, 1], [1e300, 0]], "no number of pixels"),
        ([[10**400, 0], [1, 0], [1, 1], [10**400, 0]], "other coordinates"),
        ([["0", "x"], [1, 0], [1, 1]], "other coordinates"),
        ([[0, 0], [1, 1]], "fewer than three points"),
        (square(100_000, 0, 900, 900), "outside of the slide"),
        ([[13.4, 52.5], [13.5, 52.5], [13.5, 52.6], [13.4, 52.5]], "not degrees"),
    ],
)
def test_coordinates_that_are_no_pixels_of_the_slide_are_refused(ring: Any, words: str) -> None:
    with pytest.raises(BadAnnotationsError, match=words):
        areas(annotation("Tumor", polygon(ring)))


def test_a_tangle_is_refused_before_it_is_repaired() -> None:
    angles = (np.arange(4000) * 1999 % 4000) * 2 * np.pi / 4000
    ring = np.stack([1000 + 900 * np.cos(angles), 1000 + 900 * np.sin(angles)], axis=1).tolist()
    with pytest.raises(BadAnnotationsError, match="cross each other"):
        areas(annotation("Tumor", polygon(ring)))


@pytest.mark.parametrize("wrap", [lambda f: {"type": "FeatureCollection", "features": [f]}, lambda f: [f], lambda f: f])
def test_collections_arrays_single_features_and_zips_hold_the_same(tmp_path: Path, wrap: Any) -> None:
    plain, packed = tmp_path / "a.geojson", tmp_path / "a.zip"
    plain.write_text(json.dumps(wrap(TUMOR)))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "inside/a.geojson")
    assert feature_files.read_features(plain) == feature_files.read_features(packed)
    assert feature_files.read_features(plain)[1] == [TUMOR]


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, "1" * 5000, '{"type": "Topology"}', '{"type": "FeatureCollection"}', "[[]]", "\0"]
)
def test_what_is_no_geojson_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(text)
    with pytest.raises(BadAnnotationsError, match=r"a\.geojson"):
        feature_files.read_features(path)


def test_a_zip_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_files, "MAX_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.json", " " * 5000)
    with pytest.raises(BadAnnotationsError, match="unpacked"):
        feature_files.read_features(tmp_path / "a.zip")
