"""Processes in place of one: the same bundle and the same report, to the byte."""

from pathlib import Path

import pytest

from services.trainer.bundle.served import read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.engine import HERE, Processes
from services.trainer.report_model.report import REPORT
from services.trainer.simulation.simulate import SimulationPlan
from services.trainer.validation.validate import validate
from tests.support.cohorts import quiet, simulated

ENGINES = (HERE, Processes(2))


@pytest.fixture
def inside(tmp_path: Path) -> tuple[Cohort, Embeddings]:
    return simulated(tmp_path / "cohort", SimulationPlan(60, tiles=2, width=8))


def test_two_processes_give_the_bundle_and_the_report_of_one(inside: tuple[Cohort, Embeddings], tmp_path: Path) -> None:
    cohort, bags = inside
    other, _ = simulated(tmp_path / "other", SimulationPlan(60, seed=2, tiles=2, width=8))
    digests, reports = [], []
    for number, engine in enumerate(ENGINES):
        plan = TrainPlan("m", "2026-01-01", refits=2, folds=3, engine=engine)
        digests.append(train_bundle(cohort, bags, plan, tmp_path / f"bundle-{number}", quiet))
        validate(read_bundle(tmp_path / "bundle-0"), other, None, tmp_path / f"report-{number}", quiet, engine)
        reports.append((tmp_path / f"report-{number}" / REPORT).read_bytes())
    assert digests[0] == digests[1]
    assert reports[0] == reports[1]


def test_progress_counts_every_piece_and_section_to_the_end(inside: tuple[Cohort, Embeddings], tmp_path: Path) -> None:
    cohort, bags = inside
    calls: list[tuple[int, int]] = []
    plan = TrainPlan("m", "2026-01-01", refits=2, folds=3)
    train_bundle(cohort, bags, plan, tmp_path / "bundle", lambda done, total: calls.append((done, total)))
    assert calls == sorted(set(calls))
    assert calls[0][0] == 0
    assert calls[-1] == (len(calls) - 1, len(calls) - 1)
