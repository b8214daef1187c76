"""The training job: a cohort on a volume becomes a bundle, and what is wrong is one sentence and an exit code."""

import sys
from pathlib import Path

import pytest

from services.trainer import __main__ as program
from services.trainer.bundle.served import read_bundle
from services.trainer.simulation.simulate import SimulationPlan, simulate
from tests.support.cohorts import quiet


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
    return program.main()


def test_a_table_alone_becomes_a_bundle(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    simulate(SimulationPlan(patients=100, tiles=1, width=8), tmp_path, quiet)
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", "--out", tmp_path / "bundle", "--refits", 1) == 0
    bundle = read_bundle(tmp_path / "bundle")
    assert bundle.digest in capsys.readouterr().out
    assert "clinical_molecular.json" in bundle.files


def test_a_bad_table_is_refused_and_nothing_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cohort.csv").write_text("case_id,sex,time_days,event_code\nA,F,10,1\n")
    assert run(monkeypatch, "--cohort", tmp_path / "cohort.csv", "--out", tmp_path / "bundle") == 1
    assert "sex" in capsys.readouterr().err
    assert not (tmp_path / "bundle").exists()
