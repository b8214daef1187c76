"""A modality more on the command line: simulated, evaluated, trained and validated, from a profile and its tables."""

import csv
import json
from pathlib import Path

import pytest

from services.trainer.report_model.report import Report
from tests.support.command_line import medulla


def tables(folder: Path, *blocks: str) -> list[str]:
    return [
        argument for block in blocks for argument in ("--vectors", f"{block}={folder / 'vectors' / f'{block}.csv'}")
    ]


def options(folder: Path) -> list[str]:
    return ["--cohort", str(folder / "cohort.csv"), "--profile", str(folder / "profile.yaml")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("SIMULATED")
    blocks = ("--vectors", "blood=5,3", "--vectors", "genes=30,2")
    simulated = medulla("simulate", "--patients", 90, "--tiles", 1, "--width", 8, *blocks, "--out", out)
    assert simulated.exit_code == 0, simulated.output
    return out


def test_an_evaluation_says_what_each_block_adds_on_terminal_page_and_in_the_report(folder: Path) -> None:
    given = [*options(folder), *tables(folder, "blood", "genes"), "--repeats", 1, "--folds", 2, "--workers", 1]
    result = medulla("evaluate", *given, "--out", folder / "report")
    assert result.exit_code == 0, result.output
    assert "adds to Uno's C" in result.output
    report = Report.read(folder / "report")
    assert {"blood", "genes", "fused", "clinical_molecular_blood"} <= report.arms.keys()
    assert report.arms["fused"].title == "Clinical, molecular, blood and genes, late fusion"
    assert sorted(report.cross_validation.vectors if report.cross_validation else ()) == ["blood", "genes"]
    page = (folder / "report" / "report.html").read_text()
    assert "What each block adds" in page
    assert any("patients have no blood; they are served by the models without blood" in note for note in report.notes)


def test_a_bundle_is_trained_and_validated_with_tables_of_vectors(folder: Path) -> None:
    trained = medulla(
        "train", *options(folder), *tables(folder, "blood", "genes"), "--refits", 1, "--out", folder / "b"
    )
    assert trained.exit_code == 0, trained.output
    other = folder / "other"
    blocks = ("--vectors", "blood=5,3", "--vectors", "genes=30,2")
    medulla("simulate", "--patients", 60, "--seed", 2, "--tiles", 1, "--width", 8, *blocks, "--out", other)
    given = ["--cohort", other / "cohort.csv", *tables(other, "blood", "genes"), "--out", folder / "external", "--json"]
    result = medulla("validate", "--bundle", folder / "b", *given)
    assert result.exit_code == 0, result.output
    report = json.loads((folder / "external" / "report.json").read_text())
    assert {"blood", "genes", "fused"} <= report["arms"].keys()
    seen = medulla("validate", "--bundle", folder / "b", *options(folder)[:2], "--out", folder / "seen")
    assert "[leak]" in seen.output


def table_of_few_events(folder: Path, out: Path) -> Path:
    """The blood counts of patients who had no event, and of two who had one."""
    with (folder / "cohort.csv").open(newline="") as file:
        events = [row["case_id"] for row in csv.DictReader(file) if row["event_code"] == "1"]
    header, *lines = (folder / "vectors" / "blood.csv").read_text().splitlines(keepends=True)
    with_event = [line for line in lines if line.split(",")[0] in events]
    out.write_text("".join([header, *(line for line in lines if line not in with_event[2:])]))
    return out


@pytest.mark.parametrize(
    ("command", "written"),
    [
        (("train", "--refits", 0), "model_card.md"),
        (("train", "--refits", 0, "--json"), "model_card.md"),
        (("evaluate", "--repeats", 1, "--folds", 2), "report.html"),
    ],
)
def test_a_block_of_too_few_events_is_named_on_terminal_report_and_card(
    folder: Path, tmp_path: Path, command: tuple[object, ...], written: str
) -> None:
    vectors = ("--vectors", f"blood={table_of_few_events(folder, tmp_path / 'blood.csv')}")
    result = medulla(*command, *options(folder), *vectors, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    sentence = "o model reads blood: patients who have a vector had 2 events, 5 are needed"
    assert f"n{sentence}" in " ".join(result.output.split())
    assert sentence in (tmp_path / "out" / written).read_text()


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("icd=table.csv", 'no block of vectors "icd"; it has blood, genes [bad_vectors]'),
        ("blood", "is not of the form BLOCK=TABLE [bad_vectors]"),
        ("blood=none.csv", "table of vectors none.csv cannot be read"),
    ],
)
def test_an_option_that_names_no_block_or_table_is_refused_in_a_sentence(
    folder: Path, option: str, sentence: str
) -> None:
    result = medulla("train", *options(folder), "--vectors", option, "--out", folder / "none")
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())
    assert not (folder / "none").exists()
