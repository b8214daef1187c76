"""Folders, lists and tables through the commands: what is embedded, scored, left out and refused."""

import csv
import json
from pathlib import Path

import pytest

from services.standalone import embedded_slides, laptop, slide_finding
from services.standalone.errors import NothingFoundError, located
from services.standalone.laptop import Deployment
from services.standalone.pipeline_options import Options
from services.standalone.selection import select
from shared.export import score_text
from tests.support import slides
from tests.support.command_line import AT_FAULT, medulla


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


def test_a_record_alone_is_scored_if_something_names_its_case(tmp_path: Path) -> None:
    record, out = tmp_path / "record.json", tmp_path / "out"
    record.write_text(json.dumps({"chang_m_stage": "M0"}))
    nameless = medulla("score", "--clinical", record, "--out", out)
    assert nameless.exit_code == AT_FAULT
    assert "--case-id" in nameless.stderr
    done = medulla("score", "--clinical", record, "--case-id", "MB-7", "--out", out, "--json")
    assert done.exit_code == 0, done.output
    score = json.loads(done.stdout)
    assert (score["case_id"], score["modalities_used"], score["slides"]) == ("MB-7", ["clinical"], [])


def test_the_same_bytes_under_two_cases_are_said_at_the_terminal_and_in_failures(tmp_path: Path, flat: Path) -> None:
    table, out = tmp_path / "slides.csv", tmp_path / "emb"
    table.write_text(f"case_id,path\nA,{flat}/MB-1.svs\nB,{flat}/MB-1.svs\nB 2,{flat}/MB-1.svs\n")
    done = medulla("embed", "--slides", table, "--out", out)
    assert "2 slides embedded" in done.stdout
    assert "; 1 refused" in done.stdout
    assert done.stderr.count("slides A/MB-1.svs and B/MB-1.svs hold the same bytes: a sample swap is possible") == 1
    rows = list(csv.DictReader((out / "failures.csv").open()))
    assert [(row["case_id"], row["reason"]) for row in rows] == [
        ("B 2", "bad_case_id"),
        ("A", "same_slide_in_two_cases"),
        ("B", "same_slide_in_two_cases"),
    ]
    assert rows[0]["advice"] == "Correct the column case_id of the table."


def test_a_folder_and_its_subfolder_give_each_slide_once(tmp_path: Path, flat: Path) -> None:
    named = [item.case_id for item in select([tmp_path, flat]) if item.path.name == "MB-1.svs"]
    assert named == ["flat"]
    assert [item.case_id for item in select([flat], None, "C-9")] == ["C-9", "C-9"]


def test_inspect_refuses_a_slide_of_corrupt_tiles_as_scoring_does(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slide_finding, "count_corrupt", lambda _, plan, __: len(plan.coords) // 19)
    assert medulla("inspect", flat / "MB-1.svs").exit_code == AT_FAULT
    monkeypatch.setattr(slide_finding, "count_corrupt", lambda _, plan, __: len(plan.coords))
    (finding,) = json.loads(medulla("inspect", flat / "MB-1.svs", "--case-id", "C-1", "--json").stdout)
    assert finding["reason"] == "too_many_corrupt_tiles"
    total = finding["sentence"].split()[0]
    assert finding["sentence"] == f"{total} of {total} tiles are corrupt, allowed are 5%"
    monkeypatch.setattr(slide_finding, "count_corrupt", lambda _, plan, __: len(plan.coords) // 21)
    assert medulla("inspect", flat / "MB-1.svs").exit_code == 0


@pytest.mark.parametrize(
    ("seconds", "words_of_it"), [(40, "40 s"), (2958, "49 min"), (7199, "120 min"), (9000, "2.5 h")]
)
def test_times_are_in_the_unit_that_people_take(seconds: float, words_of_it: str) -> None:
    assert score_text.duration(seconds) == words_of_it
    assert [score_text.amount(value) for value in (0.01234, 4.56, 10_000.0, 123.4)] == [
        "0.0123",
        "4.56",
        "10,000",
        "123",
    ]


def test_a_slide_is_named_once_in_a_sentence() -> None:
    error = NothingFoundError("slide F1/trunc.tif: 38 of 38 tiles are corrupt")
    assert str(located(error, Path("t/trunc.tif"))) == "t/trunc.tif: 38 of 38 tiles are corrupt"


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

    def serve(_: Deployment, options: Options, __: object) -> int:
        served.append(options)
        return 0

    monkeypatch.setattr(laptop, "serve", serve)
    table = tmp_path / "slides.csv"
    table.write_text(f"case_id,path,mpp\nMB-2,{flat}/MB-1.svs,0.5\n")
    assert medulla("up", "--slides", table, "--watch", tmp_path / "watched").exit_code == 0
    assert served[0].slide_mpp == {"MB-2/MB-1.svs": 0.5}
