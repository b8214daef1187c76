"""Cross-validations that the note quotes: of a public cohort, and of SIMULATED ones with a known effect."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.cohort.cohort import DAYS_A_YEAR, Outcome
from services.trainer.cohort.table import read_cohort
from services.trainer.engine import Processes, default_workers
from services.trainer.evaluation.evaluate import Plan, evaluate
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from tests.studies.bags import read_both
from tests.studies.claim_rows import matched_contrasts
from tests.studies.landmarks import kept_landmarks
from tests.studies.pieces import quiet
from tests.studies.public_cohorts import cavalli, published_columns

CAVALLI = "MB_Cavalli2017_patient_level.csv"


@dataclass(frozen=True)
class PublicCohortPlan:
    """A public cohort, from the folder of the user."""

    digest: str
    """SHA-256 of its files, so that other files are other pieces."""
    repeats: int = 5
    folds: int = 5
    samples: int = 2000
    seed: int = 1

    @property
    def evaluation(self) -> Plan:
        """How the cohort is evaluated."""
        return Plan(self.repeats, self.folds, self.seed, samples=self.samples, engine=Processes(default_workers()))


@dataclass(frozen=True)
class CavalliPlan(PublicCohortPlan):
    """Cavalli 2017."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "cavalli"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        if data is None:
            raise ValueError("a public cohort without its folder")
        with published_columns(data, "cavalli"):
            taken, left = cavalli(data / CAVALLI, work / "cohort.csv")
        cohort = read_cohort(work / "cohort.csv", load_profile("medulloblastoma_survival"))
        report = evaluate(cohort, None, self.evaluation, work / "report", quiet).model_dump(mode="json")
        return summary(report, work / "report") | {"taken": taken, "left_out": left}


@dataclass(frozen=True)
class SimulatedPlan:
    """A SIMULATED cohort of bags with a known effect."""

    seed: int
    effect: float
    patients: int = 300
    tiles: int = 200
    folds: int = 5

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-cross-validated"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        simulate(SimulationPlan(self.patients, self.effect, 5, self.seed, self.tiles), work, quiet)
        cohort, bags = read_both(work, work / "embeddings")
        report = evaluate(cohort, bags, Plan(1, self.folds, samples=500), work / "report", quiet)
        return summary(report.model_dump(mode="json"), work / "report")


def summary(report: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What the note quotes of a report."""
    kept = ("harrell_c", "uno_c", "auc_3y", "ibs", "calibration", "operating_point")
    arms = {
        name: {part: arm[part] for part in kept} | {"n": arm["n"], "folds": by_fold(folder, name)}
        for name, arm in report["arms"].items()
    }
    drawn = {name: report["negative_controls"][name] for name in ("permuted_outcome_c", "random_feature_gain")}
    controls = {name: {end: one[end] for end in ("est", "lo", "hi")} for name, one in drawn.items()}
    return {
        "cohort": report["cohort"],
        "arms": arms,
        "contrasts": report["contrasts"],
        "primary": report["primary"],
        "controls": controls,
        "landmarks": kept_landmarks(report["landmarks"]),
        "matched": matched_contrasts(report["contrasts"]),
        "absent": report["absent"],
        "notes": report["notes"],
        "splits": report["splits"],
    }


def by_fold(folder: Path, arm: str) -> dict[str, float]:
    """Mean and SD over all folds of all repeats of Harrell's C within a fold."""
    with (folder / "predictions.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[f"{arm}.log_risk"]]
    rows_by_fold: dict[tuple[str, str], list[Mapping[str, str]]] = {}
    for row in rows:
        rows_by_fold.setdefault((row["repeat"], row["fold"]), []).append(row)
    values = np.array([_concordance(part, arm) for part in rows_by_fold.values()])
    finite = values[np.isfinite(values)]
    return {"folds": len(finite), "mean": float(finite.mean()), "sd": float(finite.std(ddof=1))}


def _concordance(rows: list[Mapping[str, str]], arm: str) -> float:
    times = np.array([float(row["time_days"]) for row in rows]) / DAYS_A_YEAR
    events = np.array([int(float(row["event_code"])) for row in rows], np.int64)
    log_risk = np.array([float(row[f"{arm}.log_risk"]) for row in rows])
    return float(harrell_c(Outcome(times, events), log_risk)(np.ones((1, len(rows))))[0])
