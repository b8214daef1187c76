"""A fourth and a fifth block: from a profile file and two tables to a scored case on the page, by commands alone."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.stack.process import clean_environment
from tests.support.checkout import CHECKOUT
from tests.support.installation import CLINICAL
from tests.support.laptop import PATIENCE_S, laptop
from tests.support.polling import wait_for

PROFILE = CHECKOUT / "services/trainer/profiles/medulloblastoma.yaml"
BLOCKS = """
blocks:
  - {name: clinical, source: record}
  - {name: molecular, source: record}
  - {name: pathomic, source: slides, title: slides, log_risk: pathomics}
  - {name: blood, source: vectors, title: blood counts}
  - {name: mri, source: vectors, title: MRI radiomics, fit: {reduce: components, keep: 5}}
"""
TITLES = ["clinical", "molecular", "blood counts", "MRI radiomics"]


def medulla(*arguments: str) -> str:
    command = [sys.executable, "-m", "services.standalone", *arguments]
    ended = subprocess.run(command, cwd=CHECKOUT, env=clean_environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SIMULATED cohort with two tables of vectors, and a profile file that names their blocks."""
    folder = tmp_path_factory.mktemp("modalities")
    tables = ["--vectors", "blood=6,2.5", "--vectors", "mri=40,2.0"]
    medulla("simulate", "--patients", "140", "--tiles", "1", "--width", "8", *tables, "--out", str(folder))
    (folder / "own.yaml").write_text(PROFILE.read_text() + BLOCKS)
    return folder


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Path:
    vectors = [f"--vectors={block}={folder}/vectors/{block}.csv" for block in ("blood", "mri")]
    cohort = ["--cohort", f"{folder}/cohort.csv", "--profile", f"{folder}/own.yaml"]
    medulla("train", *cohort, *vectors, "--out", f"{folder}/bundle")
    return folder / "bundle"


def vector_of_a_patient(folder: Path, block: str, case: str) -> bytes:
    """The first row of a table as a new case's vector."""
    with (folder / f"vectors/{block}.csv").open() as table:
        row = next(csv.DictReader(table))
    values = {name: float(value) for name, value in row.items() if name not in ("case_id", "simulated") and value}
    return json.dumps({"case_id": case, "block": block, "values": values}).encode()


def test_a_bundle_of_five_blocks_says_what_it_reads(bundle: Path) -> None:
    blocks = {block["name"]: block for block in json.loads(medulla("bundle", "show", str(bundle), "--json"))["blocks"]}
    assert list(blocks) == ["clinical", "molecular", "pathomic", "blood", "mri"]
    assert [len(blocks[name]["columns"]) for name in ("blood", "mri")] == [6, 40]


def test_two_own_blocks_go_from_tables_to_a_scored_case_on_the_page(
    folder: Path, bundle: Path, page: Page, tmp_path: Path
) -> None:
    with laptop(tmp_path, "--bundle", str(bundle), "--despite-reservations") as up:
        up.land("clinical/NEW-1.json", CLINICAL.read_bytes().replace(b"DEMO-001", b"NEW-1"))
        for block in ("blood", "mri"):
            up.land(f"vectors/NEW-1/{block}.json", vector_of_a_patient(folder, block, "NEW-1"))
        assert wait_for(lambda: up.score("NEW-1").get("modalities_used") == TITLES, PATIENCE_S)
        score = up.score("NEW-1")
        assert score["modalities_missing"] == []
        shares = {share["variable"]: share for share in score["contributions"]}
        moved = [name for name in ("blood", "mri") if shares[name]["columns"]]
        assert moved == [name for name in ("blood", "mri") if shares[name]["log_hazard"]] != []
        assert {column["column"][0] for name in moved for column in shares[name]["columns"]} == {"v"}
        page.goto(up.address("/#/cases/NEW-1"))
        rests = page.locator("section", has=page.get_by_role("heading", name="What it rests on"))
        model = rests.locator("div", has=page.get_by_text("Model", exact=True)).locator("dd")
        expect(model).to_have_text("clinical, molecular, blood counts and MRI radiomics")
        for title, columns in (("blood counts", 6), ("MRI radiomics", 40)):
            vector = rests.locator("div", has=page.get_by_text(f"Vector: {title}", exact=True)).locator("dd")
            expect(vector).to_contain_text(f"of {columns} columns known")
            expect(page.locator(".moves tbody tr", has_text=title)).to_have_count(1)
