"""Cases of a table with embeddings: the slides count as they do in a score of one case."""

import csv
import json
from pathlib import Path

import pytest

from services.standalone.case_rows import case_rows
from services.standalone.demo_case import DEMO_BUNDLE, DEMO_SLIDE
from shared.model.bundle import load
from tests.support.command_line import medulla

TABLE = "case_id,age_at_diagnosis_years,chang_m_stage\nC-1,4,M0\nC-2,,\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two cases, and embeddings of the demo's slide, which case C-1 has under two names."""
    folder = tmp_path_factory.mktemp("cohort")
    for name in ("C-1/a.svs", "C-1/b.svs"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to(DEMO_SLIDE)
    (folder / "cohort.csv").write_text(TABLE)
    done = medulla("embed", folder / "C-1", "--case-id", "C-1", "--out", folder / "emb")
    assert done.exit_code == 0, done.output
    return folder


def test_a_case_with_slides_has_the_bytes_of_a_score_by_itself(folder: Path) -> None:
    given = ("--cases", folder / "cohort.csv", "--embeddings", folder / "emb")
    done = medulla("score", *given, "--out", folder / "out")
    assert done.exit_code == 0, done.output
    first, _ = case_rows(folder / "cohort.csv", load(DEMO_BUNDLE).manifest.profile)
    (folder / "record.json").write_bytes(first.record)
    alone = medulla(
        "score", folder / "C-1", "--case-id", "C-1", "--clinical", folder / "record.json", "--out", folder / "one"
    )
    assert alone.exit_code == 0, alone.output
    assert (folder / "out/scores/C-1.json").read_bytes() == (folder / "one/score.json").read_bytes()
    score = json.loads((folder / "one/score.json").read_bytes())
    assert [item["reason"] for item in score["left_out"]] == ["duplicate_slide"]
    assert (folder / "out" / score["slides"][0]["attention_key"]).is_file()
    bags = medulla("score", "--clinical", folder / "record.json", *given[2:], "--out", folder / "bags")
    assert bags.exit_code == 0, bags.output
    assert (folder / "bags/score.json").read_bytes() == (folder / "one/score.json").read_bytes()
    assert "attention over slide a.svs" in (folder / "bags/report.html").read_text()
    assert (folder / "bags/report.pdf").read_bytes().startswith(b"%PDF")


def test_a_case_without_bags_is_refused_with_cases_that_have_some(folder: Path, tmp_path: Path) -> None:
    done = medulla("score", "--case-id", "C-9", "--embeddings", folder / "emb", "--out", tmp_path / "out")
    assert (done.exit_code, 'holds no slide of case "C-9", but of C-1 [not_found]' in done.stderr) == (1, True)
    assert not (tmp_path / "out").exists()


def test_a_slide_of_two_cases_is_a_remark_on_both(folder: Path, tmp_path: Path) -> None:
    index = folder / "emb/index.csv"
    rows = list(csv.reader(index.open()))
    both = [rows[0], rows[1], ["C-2", *rows[1][1:]]]
    emb = tmp_path / "emb"
    emb.mkdir()
    for name in ("embeddings", "plans"):
        (emb / name).symlink_to(folder / "emb" / name)
    (emb / "index.csv").write_text("\n".join(",".join(row) for row in both) + "\n")
    medulla("score", "--cases", folder / "cohort.csv", "--embeddings", emb, "--out", tmp_path / "out")
    for case in ("C-1", "C-2"):
        score = json.loads((tmp_path / f"out/scores/{case}.json").read_bytes())
        assert [remark["code"] for remark in score["remarks"]] == ["same_slide_in_two_cases"]


def test_a_damaged_bag_refuses_its_case_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text("case_id,slide_id,slide_digest,tiles,path\nC-1,a.svs,00,1,gone.safetensors\n")
    done = medulla("score", "--cases", folder / "cohort.csv", "--embeddings", tmp_path, "--out", tmp_path / "out")
    with (tmp_path / "out/scores.csv").open() as file:
        reasons = {row["case_id"]: row["reason"] for row in csv.DictReader(file)}
    assert (done.exit_code, reasons) == (0, {"C-1": "bad_embeddings", "C-2": ""})


def test_bags_of_another_encoder_are_refused_by_case(tmp_path: Path) -> None:
    simulated = tmp_path / "sim"
    medulla("simulate", "--patients", 20, "--tiles", 2, "--width", 8, "--out", simulated)
    given = ("--cases", simulated / "cohort.csv", "--embeddings", simulated / "embeddings")
    done = medulla("score", *given, "--out", tmp_path / "out")
    with (tmp_path / "out/scores.csv").open() as file:
        listed = list(csv.DictReader(file))
    with_slides = {row["case_id"] for row in csv.DictReader((simulated / "embeddings/index.csv").open())}
    assert done.exit_code == 0
    assert {row["case_id"] for row in listed if row["reason"] == "encoder_mismatch"} == with_slides
