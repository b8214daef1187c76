"""SIMULATED studies: train on some sites, ask about one of another stain, beside an oracle that knows the truth."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.hazards import Prediction
from services.trainer.arms.null import constant
from services.trainer.arms.ridge_cox import ByPattern, fit_patterns, patterns_of
from services.trainer.bundle.served import ServedBundle, predict_all, read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.metrics import discrimination
from services.trainer.metrics.bootstrap import Bootstrap, rounded
from services.trainer.metrics.incidence import cumulative_incidence
from services.trainer.metrics.statistic import Difference
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.arrays import Floats
from tests.studies.coverage import coverage
from tests.studies.ood_check import abstentions
from tests.studies.pieces import quiet

DRAWS = 200
EXTERNAL = 50_000
"""Added to the seed of a study for that of its external site."""
TRUTH = "SIMULATED_truth.csv"
_CARD_FOLDS = 2
"""Few, since nobody reads the thresholds or the card of a study's bundle."""


@dataclass(frozen=True)
class BagPlan:
    """One SIMULATED study on bags."""

    seed: int
    effect: float
    patients: int = 300
    external: int = 600
    tiles: int = 200
    shift: float = 1.0
    external_shift: float = 1.5
    slides: bool = True
    """Whether the model sees the bags; else it is made from the table alone."""

    @property
    def kind(self) -> str:
        """See Plan."""
        return "SIMULATED-study"

    def run(self, data: Path | None, work: Path) -> dict[str, Any]:
        """See Plan."""
        del data
        inside = SimulationPlan(self.patients, self.effect, 5, self.seed, self.tiles, shift=self.shift)
        outside = SimulationPlan(
            self.external, self.effect, 1, self.seed + EXTERNAL, self.tiles, shift=self.external_shift
        )
        for name, plan in (("inside", inside), ("outside", outside)):
            simulate(plan, work / name, quiet)
        folders = [(work / name, work / name / "embeddings" if self.slides else None) for name in ("inside", "outside")]
        return measured(folders[0], folders[1], work)


def measured(inside: tuple[Path, Path | None], outside: tuple[Path, Path | None], work: Path) -> dict[str, Any]:
    """Train on one folder with a cohort and its bags, ask about another; the numbers of the study."""
    cohort, embeddings = read_both(*inside)
    train_bundle(cohort, embeddings, TrainPlan("SIMULATED", "2026-01-01", folds=_CARD_FOLDS), work / "bundle", quiet)
    bundle = read_bundle(work / "bundle")
    test, bags = read_both(*outside)
    patients = bundle.patients(test, bags)
    truth = read_truth(outside[0])
    numbers: dict[str, Any] = {
        "patients": len(cohort),
        "events": int(cohort.outcome.is_event.sum()),
        "external": len(test),
    }
    numbers |= {
        "coverage": coverage(bundle, patients, truth),
        "latent_r": _latent_correlation(patients, truth["latent"]),
    }
    if bags and embeddings:
        oracle_prediction = oracle(_latent(cohort, embeddings, inside[0]), test, bags, truth["latent"])
        numbers |= gains(bundle, patients, oracle_prediction) | {"abstentions": abstentions(bundle, test, bags)}
    return numbers


def read_both(folder: Path, bags: Path | None) -> tuple[Cohort, Embeddings | None]:
    """A SIMULATED cohort and its bags."""
    return read_cohort(folder / "cohort.csv", load_profile()), read_embeddings(bags) if bags else None


def read_truth(folder: Path) -> dict[str, Floats]:
    """What is true of every patient: latent, risk_3y, risk_5y, [n] each."""
    with (folder / TRUTH).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in ("latent", "risk_3y", "risk_5y")}


def oracle(train: Patients, test: Cohort, bags: Embeddings, latent: Floats) -> Prediction:
    """What late fusion says of a cohort when the true latent stands in the place of the pathomic log-risk."""
    patterns = patterns_of(train, train.cohort.profile.block_names)
    models = dict(fit_patterns(train, patterns, train.inner_folds()))
    average = cumulative_incidence(train.cohort.outcome, train.grid)
    fitted = ByPattern(models, average, constant(average, 0))
    return fitted.predict(_patients(test, np.where(bags.has(test.case_ids), latent, np.nan)))


def gains(bundle: ServedBundle, patients: Patients, oracle_prediction: Prediction) -> dict[str, Any]:
    """Gain in C of fusion and of the oracle over the table, with paired bootstrap draws, None where a draw has no C."""
    predictions, _ = predict_all(bundle, patients)
    compared = {"fused": predictions["fused"], "oracle": oracle_prediction}
    tau = bundle.profile.horizons_years[-1]
    return gains_over(predictions["clinical_molecular"], compared, patients.cohort.outcome, tau)


def gains_over(
    table: Prediction, predictions: Mapping[str, Prediction], outcome: Outcome, tau: float
) -> dict[str, Any]:
    """Gain in C of each prediction over the table, with paired bootstrap draws."""
    draws = Bootstrap.of(len(outcome), 7, DRAWS)
    numbers: dict[str, Any] = {}
    for metric in ("uno_c", "harrell_c"):

        def c(prediction: Prediction, metric: str = metric) -> Any:
            if metric == "uno_c":
                return discrimination.uno_c(outcome, prediction.log_risk, tau)
            return discrimination.harrell_c(outcome, prediction.log_risk)

        baseline = c(table)
        for name, prediction in predictions.items():
            gain = Difference(c(prediction), baseline)
            numbers |= {f"{metric}.{name}": float(gain(np.ones((1, len(outcome))))[0])}
            numbers |= {f"{metric}.{name}.draws": [rounded(float(value), 5) for value in draws.draws(gain)]}
        numbers |= {f"{metric}.table": float(baseline(np.ones((1, len(outcome))))[0])}
    return numbers


def _latent(cohort: Cohort, bags: Embeddings, folder: Path) -> Patients:
    return _patients(cohort, np.where(bags.has(cohort.case_ids), read_truth(folder)["latent"], np.nan))


def _patients(cohort: Cohort, log_risk: Floats) -> Patients:
    """Patients with a log-risk [n] of their slides."""
    slides = cohort.profile.slides
    return Patients(cohort, 1, {slides.name: BlockView(log_risk, log_risk[:, None])} if slides else {})


def _latent_correlation(patients: Patients, latent: Floats) -> float | None:
    """Correlation of the pathomic log-risk with the true latent."""
    slides = patients.cohort.profile.slides
    if slides is None or slides.name not in patients.views:
        return None
    log_risk = patients.views[slides.name].log_risk
    known = ~np.isnan(log_risk)
    return correlation(log_risk[known], latent[known])


def correlation(a: Floats, b: Floats) -> float:
    """Of two values of patients [n]; 0 where the first is the same for all, as log-risks without a weight are."""
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 else 0.0
