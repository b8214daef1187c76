"""`medulla tiles` on real pixels: what it writes, what it refuses, and what a second run does."""

import csv
import json
from pathlib import Path

import pytest

from services.trainer.finetune.tile_dataset import read_labelled
from tests.support.annotations import annotation, polygon, square, write_annotations
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.slides import cc0_bytes

CASES = ("MB-1", "MB-2")
TUMOR = annotation("Tumor", polygon(square(0, 0, 1200, 2900)))
STROMA = annotation("Stroma: Loose", polygon(square(1200, 0, 1000, 2900)))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Two slides in a table, each with annotations under its name."""
    for case in CASES:
        (tmp_path / f"{case}.svs").write_bytes(cc0_bytes())
        write_annotations(tmp_path / "annotations" / f"{case}.geojson", [TUMOR, STROMA])
    rows = "".join(f"{case},{case}.svs\n" for case in CASES)
    (tmp_path / "slides.csv").write_text(f"case_id,path\n{rows}")
    return tmp_path


def arguments(project: Path) -> list[object]:
    folders = ["--annotations", project / "annotations", "--out", project / "tiles"]
    return ["tiles", "--slides", project / "slides.csv", *folders]


def rows(project: Path) -> list[dict[str, str]]:
    with (project / "tiles/tiles.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def pictures(project: Path) -> dict[str, int]:
    return {path.relative_to(project / "tiles").as_posix(): path.stat().st_mtime_ns for path in project.rglob("*.png")}


def test_tiles_lie_as_finetune_reads_them_and_a_second_run_changes_only_what_changed(project: Path) -> None:
    about = printed(*arguments(project))
    first = pictures(project)
    listed = rows(project)
    assert {row["class"]: row["patients"] for row in map(_by_name, about["classes"])} == {
        "Tumor": 2,
        "Stroma: Loose": 2,
    }
    assert sorted(first) == sorted(row["path"] for row in listed)
    assert read_labelled(project / "tiles").classes == ("Stroma - Loose", "Tumor")
    assert {item.patient for item in read_labelled(project / "tiles").items} == set(CASES)
    write_annotations(project / "annotations/MB-2.geojson", [TUMOR])
    printed(*arguments(project))
    kept = {path: time for path, time in first.items() if "/MB-1__" in path}
    assert kept.items() <= pictures(project).items()
    assert {row["class"] for row in rows(project) if row["case_id"] == "MB-2"} == {"Tumor"}
    assert sorted(pictures(project)) == sorted(row["path"] for row in rows(project))


def test_slides_and_files_that_do_not_match_are_named_and_the_others_go_on(project: Path) -> None:
    (project / "annotations/MB-2.geojson").rename(project / "annotations/other.geojson")
    write_annotations(project / "annotations/MB-1/MB-1.svs.json", [STROMA])
    done = medulla(*arguments(project))
    with (project / "tiles/failures.csv").open(newline="") as file:
        failures = {Path(row["slide"]).name: row["reason"] for row in csv.DictReader(file)}
    assert done.exit_code == AT_FAULT
    assert failures == {"MB-2.svs": "not_found", "other.geojson": "not_found", "MB-1.geojson": "not_found"}
    assert {row["class"] for row in rows(project)} == {"Stroma: Loose"}


def test_a_slide_that_nobody_annotated_is_counted_and_is_no_fault(project: Path) -> None:
    (project / "annotations/MB-2.geojson").unlink()
    done = medulla(*arguments(project))
    assert done.exit_code == 0, done.output
    assert "1 slide without annotations, see" in done.output
    assert "refused" not in done.output
    assert {row["case_id"] for row in rows(project)} == {"MB-1"}


def test_broken_annotations_are_one_row_with_the_file_and_leave_nothing_of_the_slide(project: Path) -> None:
    (project / "annotations/MB-2.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [1]}))
    assert medulla(*arguments(project)).exit_code == AT_FAULT
    failures = (project / "tiles/failures.csv").read_text()
    assert "bad_annotations" in failures
    assert "MB-2.geojson" in failures
    assert {row["case_id"] for row in rows(project)} == {"MB-1"}


def _by_name(row: dict[str, object]) -> dict[str, object]:
    return row | {"class": row["class_name"]}
