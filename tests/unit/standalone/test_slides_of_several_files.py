"""DICOM series and MIRAX slides through `embed` and `score`: one slide each, embedded once."""

import csv
from pathlib import Path

import pytest

from tests.support.command_line import medulla, printed
from tests.support.dicom_series import SERIES, series
from tests.support.mirax_slide import mirax_slide
from tests.support.slides import cc0_pixels

IDS = {SERIES, "A.MRXS"}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One case with a series of five files, and one with a MIRAX slide of four, its suffix in upper case."""
    root = tmp_path_factory.mktemp("cohort")
    files = {f"slides/D-1/{name}.dcm": data for name, data in series().items()}
    pixels = cc0_pixels()[400:2704, 600:1880]
    files |= {f"slides/M-1/{name}".replace(".mrxs", ".MRXS"): data for name, data in mirax_slide("A", pixels).items()}
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def test_embed_keeps_one_bag_a_slide_and_finds_it_again(cohort: Path, tmp_path: Path) -> None:
    out = tmp_path / "emb"
    tables = [_embedded(cohort, out) for _ in range(2)]
    assert tables[0] == tables[1]
    assert len(tables[0]) == len(IDS)
    with (out / "index.csv").open(newline="") as file:
        assert {row["slide_id"]: row["case_id"] for row in csv.DictReader(file)} == {SERIES: "D-1", "A.MRXS": "M-1"}


def _embedded(cohort: Path, out: Path) -> dict[Path, int]:
    """The bags after a run, each with its time."""
    done = medulla("embed", cohort, "--out", out)
    assert done.exit_code == 0, done.output
    return {bag: bag.stat().st_mtime_ns for bag in out.rglob("bag.safetensors")}


@pytest.mark.parametrize(("case", "slide"), [("D-1", SERIES), ("M-1", "A.MRXS")])
def test_score_takes_all_files_as_one_slide_and_finds_its_bag_again(
    case: str, slide: str, cohort: Path, tmp_path: Path
) -> None:
    scores = []
    for _ in range(2):
        score = printed("score", cohort / "slides" / case, "--case-id", case, "--out", tmp_path)
        assert [each["slide_id"] for each in score["slides"]] == [slide]
        scores.append({bag: bag.stat().st_mtime_ns for bag in tmp_path.rglob("bag.safetensors")})
    assert scores[0] == scores[1]
    assert len(scores[0]) == 1
