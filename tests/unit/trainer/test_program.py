"""The training job: a cohort on a volume becomes a bundle, and what is wrong is one sentence and an exit code."""

import sys
from pathlib import Path

import numpy as np
import pytest

from services.trainer import __main__ as program
from services.trainer.arms.registry import arms_of
from services.trainer.bundle.served import read_bundle, threshold_of
from services.trainer.profile import load_profile
from services.trainer.reservations import without_weight
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.simulation.vectors import VectorPlan
from shared.model.bundle import load
from tests.support.cohorts import quiet
from tests.support.signing import pair


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
    return program.main()


def test_a_table_alone_becomes_a_bundle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    simulate(SimulationPlan(patients=100, tiles=1, width=8), tmp_path, quiet)
    private, public = pair()
    (tmp_path / "key.pem").write_bytes(private)
    options = ("--out", tmp_path / "bundle", "--refits", 1, "--key", tmp_path / "key.pem")
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", *options) == 0
    bundle = read_bundle(tmp_path / "bundle").bundle
    assert bundle.digest in capsys.readouterr().out
    assert "clinical_molecular" in bundle.arms
    assert any("Intervals of risks come from 1 refit, fewer" in text for text in bundle.manifest.reservations)
    assert all(text.startswith(f"Model {arm.name}: ") for arm in bundle.manifest.arms for text in arm.reservations)
    assert any(arm.reservations for arm in bundle.manifest.arms if arm.name == "molecular")
    card = (tmp_path / "bundle/model_card.md").read_text()
    assert all(f"- {text}" in card for text in bundle.manifest.every_reservation)
    shown = card.split("## Read this first")[0]
    assert "SIMULATED: Model clinical_molecular at 3 years: against clinical variables alone a " in shown
    assert "; against the rule a " in shown
    assert load(tmp_path / "bundle", public).digest == bundle.digest


def test_slides_that_tell_nothing_get_no_weight_and_card_and_bundle_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simulate(SimulationPlan(patients=100, effect=1.0, tiles=4, width=8), tmp_path, quiet)
    options = ("--embeddings", tmp_path / "embeddings", "--out", tmp_path / "bundle", "--refits", 1)
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", *options) == 0
    bundle = load(tmp_path / "bundle")
    assert bundle.mil is not None
    answer = bundle.mil(np.ones((3, 8), np.float32))
    assert answer.log_risk == 0
    assert answer.attention == pytest.approx(np.full(3, 1 / 3))
    sentence = without_weight("slides", "this bundle")
    assert sentence in bundle.manifest.reservations
    assert list(bundle.arms)[:4] == ["clinical_molecular", "clinical", "molecular", "pathomics"]
    assert [bundle.weighed_by(arm) for arm in bundle.manifest.arms if arm.name == "pathomics"] == [frozenset()]
    served, fused = (
        read_bundle(tmp_path / "bundle"),
        next(arm for arm in arms_of(load_profile()) if arm.name == "fused"),
    )
    assert threshold_of(served, fused) == served.training.thresholds["clinical_molecular"]
    assert sentence in (tmp_path / "bundle/model_card.md").read_text()


def test_slides_of_too_few_patients_are_in_no_model_and_the_bundle_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simulate(SimulationPlan(patients=60, tiles=4, width=8), tmp_path, quiet)
    index = tmp_path / "embeddings" / "index.csv"
    index.write_text("".join(index.read_text().splitlines(keepends=True)[:4]))
    options = ("--embeddings", index.parent, "--out", tmp_path / "bundle", "--refits", 1)
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", *options) == 0
    reservations = load(tmp_path / "bundle").manifest.reservations
    assert any(each.startswith("Slides are in no model: 3 patients with slides and") for each in reservations)


def test_a_bad_table_is_refused_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cohort.csv").write_text("case_id,sex,time_days,event_code\nA,both,10,1\n")
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", "--out", tmp_path / "bundle") == 1
    sentence = capsys.readouterr().err
    assert "sex" in sentence
    assert "[bad_clinical_record]. Correct the rows that are named" in sentence
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(("text", "sentence"), [("no key", "openssl genpkey"), (None, "No such file")])
def test_a_key_that_is_none_is_refused_before_anything_is_fitted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str | None, sentence: str
) -> None:
    simulate(SimulationPlan(patients=100, tiles=1, width=8), tmp_path, quiet)
    if text:
        (tmp_path / "key.pem").write_text(text)
    options = ("--out", tmp_path / "bundle", "--key", tmp_path / "key.pem")
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", *options) == 1
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()


def test_tables_of_vectors_become_part_of_the_bundle_and_another_block_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    plan = SimulationPlan(patients=100, tiles=1, width=8, vectors=(VectorPlan("blood", 5, 2.0),))
    simulate(plan, tmp_path, quiet)
    given = ("--cohort", tmp_path / "cohort.csv", "--profile", tmp_path / "profile.yaml")
    table, out = tmp_path / "vectors" / "blood.csv", ("--out", tmp_path / "bundle", "--refits", 1)
    assert run(monkeypatch, *given, "--vectors", f"icd={table}", *out) == 1
    assert 'no block of vectors "icd"; it has blood [bad_vectors]' in capsys.readouterr().err
    assert run(monkeypatch, *given, "--vectors", f"blood={table}", *out) == 0
    assert list(load(tmp_path / "bundle").vectors) == ["blood"]


def test_a_block_that_no_model_reads_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    simulate(SimulationPlan(patients=100, tiles=1, width=8, vectors=(VectorPlan("blood", 5, 2.0),)), tmp_path, quiet)
    table = tmp_path / "few.csv"
    rows = (tmp_path / "vectors" / "blood.csv").read_text().splitlines(keepends=True)
    table.write_text("".join(rows[:3]))
    given = ("--cohort", tmp_path / "cohort.csv", "--profile", tmp_path / "profile.yaml", "--vectors", f"blood={table}")
    assert run(monkeypatch, *given, "--out", tmp_path / "bundle", "--refits", 1) == 0
    note, written = capsys.readouterr().out.splitlines()
    assert note.startswith("no model reads blood: patients who have a vector had ")
    assert written.startswith(f"{tmp_path / 'bundle'}: bundle ")
