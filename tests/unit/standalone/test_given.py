"""Folders, lists and tables through the commands: what is embedded, scored, left out and refused."""

import csv
import json
from pathlib import Path

import pytest

from services.standalone import embedded_slides, laptop
from services.standalone.laptop import Deployment
from services.standalone.pipeline_options import Options
from services.standalone.selection import select
from tests.support import slides
from tests.unit.standalone.test_commands import AT_FAULT, medulla


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    folder = tmp_path / "flat"
    folder.mkdir()
    (folder / "MB-1.svs").write_bytes(slides.cc0_bytes())
    (folder / "broken.svs").write_bytes(b"no slide")
    (folder / "MB-1.xml").write_text("<Annotations/>")
    return folder


def test_embed_takes_a_flat_folder_and_a_table_and_names_all_that_fails(tmp_path: Path, flat: Path) -> None:
    table, out = tmp_path / "slides.csv", tmp_path / "emb"
    (tmp_path / "far").mkdir()
    (tmp_path / "far/x.svs").write_bytes(slides.without_mpp())
    table.write_text("case_id;path;slide_id;mpp\nMB-9;far/x.svs;first;0,499\nMB-9;far/gone.svs;;\n")
    done = medulla("embed", flat, tmp_path / "nowhere", "--slides", table, "--out", out, "--json")
    assert done.exit_code == AT_FAULT
    assert json.loads(done.stdout)["embedded"] == 2
    with (out / "index.csv").open(newline="") as file:
        rows = [(row["case_id"], row["slide_id"]) for row in csv.DictReader(file)]
    assert rows == [("MB-1", "MB-1.svs"), ("MB-9", "first.svs")]
    with (out / "failures.csv").open(newline="") as file:
        failed = {Path(row["slide"]).name: row for row in csv.DictReader(file)}
    assert {name: row["reason"] for name, row in failed.items()} == {
        "broken.svs": "not_a_slide",
        "nowhere": "not_found",
        "gone.svs": "not_found",
    }
    assert all(row["sentence"] and row["advice"] for row in failed.values())


def test_an_unexpected_error_on_one_slide_is_its_row_and_the_others_go_on(tmp_path: Path) -> None:
    class Broken:
        def embed(self, slide: object) -> None:
            raise RecursionError(str(slide))

    (tmp_path / "a.svs").write_bytes(b"bytes")
    outcome = embedded_slides._outcome(Broken(), select([tmp_path])[0])  # type: ignore[arg-type]
    assert outcome.error is not None
    assert outcome.error.reason == "internal_error"
    assert "RecursionError" in str(outcome.error)


def test_score_leaves_out_what_is_no_slide_and_says_so(tmp_path: Path, flat: Path) -> None:
    done = medulla("score", flat, "--case-id", "MB-7", "--out", tmp_path / "out", "--json")
    assert done.exit_code == AT_FAULT
    score = json.loads(done.stdout)
    assert score["case_id"] == "MB-7"
    assert [slide["slide_id"] for slide in score["slides"]] == ["MB-1.svs"]
    assert [(slide["slide_id"], slide["reason"]) for slide in score["left_out"]] == [("broken.svs", "not_a_slide")]
    assert f"{flat / 'broken.svs'}: " in done.stderr
    assert json.loads((tmp_path / "out/score.json").read_text())["left_out"] == score["left_out"]


def test_score_refuses_the_slides_of_several_cases_by_name(tmp_path: Path, flat: Path) -> None:
    table = tmp_path / "slides.csv"
    table.write_text(f"case_id,path\nA,{flat}/MB-1.svs\nB,{flat}/broken.svs\n")
    done = medulla("score", "--slides", table, "--out", tmp_path / "out")
    assert done.exit_code == AT_FAULT
    assert "2 cases (A, B)" in done.stderr
    other = medulla("score", "--slides", table, "--case-id", "C", "--out", tmp_path / "out")
    assert "A, B, C" in other.stderr


def test_up_links_the_slides_that_it_is_given(tmp_path: Path, flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(laptop, "serve", lambda *_: 0)
    done = medulla("up", flat, tmp_path / "nowhere", "--watch", tmp_path / "watched")
    assert done.exit_code == 0, done.output
    assert (tmp_path / "watched/slides/MB-1/MB-1.svs").resolve() == (flat / "MB-1.svs").resolve()
    assert f"left out: {tmp_path / 'nowhere'}: no such file or folder" in done.stderr
    nothing = medulla("up", tmp_path / "nowhere", "--watch", tmp_path / "watched")
    assert nothing.exit_code == AT_FAULT


def test_up_passes_the_tables_resolutions_on(tmp_path: Path, flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[Options] = []

    def serve(_: Deployment, options: Options) -> int:
        served.append(options)
        return 0

    monkeypatch.setattr(laptop, "serve", serve)
    table = tmp_path / "slides.csv"
    table.write_text(f"case_id,path,mpp\nMB-2,{flat}/MB-1.svs,0.5\n")
    assert medulla("up", "--slides", table, "--watch", tmp_path / "watched").exit_code == 0
    assert served[0].slide_mpp == {"MB-2/MB-1.svs": 0.5}
