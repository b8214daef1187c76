"""Cohorts with a profile of their own: no molecular data, a ready-made pathomic column, an outcome without times."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.trainer.bundle.served import read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.table import read_cohort
from services.trainer.evaluation.evaluate import Plan, evaluate
from services.trainer.report.page import write_page
from services.trainer.validation.validate import validate
from shared.model.profile import Profile
from tests.support.cohorts import quiet

PLAN = Plan(repeats=1, folds=3, samples=50)
VARIABLES = [
    {"name": "age", "kind": "numeric", "block": "clinical"},
    {"name": "path_risk", "kind": "numeric", "block": "pathomic"},
]
SURVIVAL = Profile.model_validate(
    {
        "name": "tcga",
        "title": "Overall survival",
        "variables": VARIABLES,
        "outcome": {"time": "os_days", "event": "dead", "codes": {"0": "alive", "1": "dead"}},
        "horizons_years": [2, 4],
    }
)
YES_NO = Profile.model_validate(
    {
        "name": "yes-no",
        "variables": VARIABLES,
        "outcome": {"time": "", "event": "dead", "codes": {"no": "alive", "yes": "dead"}, "event_of_interest": "yes"},
        "horizons_years": [2, 4],
    }
)


def cohort(folder: Path, profile: Profile, seed: int, patients: int = 90) -> Cohort:
    rng = np.random.default_rng(seed)
    risk = rng.normal(size=patients)
    days = rng.exponential(1500 * np.exp(-risk))
    dead = days < 1800
    lines = ["case_id,age,path_risk,os_days,dead" if profile.outcome.time else "case_id,age,path_risk,dead"]
    for i in range(patients):
        ready = f"{risk[i]:.3f}" if i % 10 else ""
        code = list(profile.outcome.codes)[int(dead[i])]
        time = [f"{min(days[i], 1800) + 1:.0f}"] if profile.outcome.time else []
        lines.append(",".join([f"c{seed}-{i}", str(20 + i % 50), ready, *time, code]))
    path = folder / f"cohort-{seed}.csv"
    path.write_text("\n".join(lines) + "\n")
    return read_cohort(path, profile)


def report(cohort: Cohort, out: Path) -> dict[str, Any]:
    write_page(evaluate(cohort, None, PLAN, out, quiet), out)
    content: dict[str, Any] = json.loads((out / "report.json").read_text())
    return content


@pytest.fixture(scope="module")
def survival(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("survival")
    report(cohort(out, SURVIVAL, 1), out)
    return out


def test_a_ready_made_pathomic_column_is_fused_also_without_molecular_data(survival: Path) -> None:
    result = json.loads((survival / "report.json").read_text())
    assert {"clinical", "pathomics", "fused"} <= result["arms"].keys()
    assert result["contrasts"][0]["a"] == "fused"
    assert result["contrasts"][0]["b"] == "clinical"
    assert result["contrasts"][0]["lo"] > 0
    assert "a gain" in result["primary"]
    assert result["absent"]["clinical_molecular"].startswith("molecular variables are known of too few")
    assert {"auc_2y", "auc_4y"} <= result["arms"]["fused"].keys()


def test_a_bundle_without_molecular_data_is_validated_with_its_fusion_and_thresholds(tmp_path: Path) -> None:
    train_bundle(
        cohort(tmp_path, SURVIVAL, 1), None, TrainPlan("own", "2026-01-01", refits=2), tmp_path / "bundle", quiet
    )
    result = validate(read_bundle(tmp_path / "bundle"), cohort(tmp_path, SURVIVAL, 2), None, tmp_path / "out", quiet)
    write_page(result, tmp_path / "out")
    assert result.contrasts[0].a == "fused"
    for arm in ("clinical", "pathomics", "fused"):
        assert result.arms[arm].operating_point.threshold.est is not None
    assert result.absent["rule"] == "the bundle has no rule"


def test_an_outcome_without_times_says_nothing_of_times(tmp_path: Path) -> None:
    result = report(cohort(tmp_path, YES_NO, 3), tmp_path)
    assert result["horizons_years"] == [2]
    assert result["cohort"]["follow_up_years"] == {"median": None, "longest": None}
    assert any("the outcome has no time" in note for note in result["notes"])
    fused = result["arms"]["fused"]
    assert fused["harrell_c"]["est"] == fused["auc_2y"]["est"]
    assert fused["ibs"] == fused["brier_2y"]
    with (tmp_path / "predictions.csv").open() as file:
        assert {row["time_days"] for row in csv.DictReader(file)} == {""}
    page = (tmp_path / "report.html").read_text()
    assert "to the AUC at 2 years" in result["primary"]
    assert not [word for word in ("Uno", "Harrell", "log-rank", "relapse", "integrated Brier") if word in page]


def test_a_report_speaks_of_the_profile_and_of_the_blocks_that_are_there(survival: Path) -> None:
    result, page = json.loads((survival / "report.json").read_text()), (survival / "report.html").read_text()
    assert result["cohort"]["meanings"] == {"0": "alive", "1": "dead"}
    assert sum(result["cohort"]["events"][code] for code in ("0", "1")) == result["cohort"]["n"]
    assert result["arms"]["fused"]["title"] == "Clinical and slides, late fusion"
    assert "relapse" not in page
    assert "and does adding ready-made columns of slides to the record improve the prediction?" in page
    assert "Net benefit counts an event (dead) within 2 years" in page
