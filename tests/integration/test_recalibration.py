"""A bundle that is recalibrated on another cohort: risks that come true there, and a new bundle that says so."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.arms.arm import Patients
from services.trainer.bundle.served import ServedBundle, predict_all, read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.errors import BadModelError, LeakError, UnusableCohortError
from services.trainer.metrics import calibration
from services.trainer.metrics.incidence import cumulative_incidence
from services.trainer.recalibration_method import Method
from services.trainer.simulation.simulate import SimulationPlan
from services.trainer.validation.recalibrate import RecalibrationPlan, recalibrate
from services.trainer.validation.recalibrated import Recalibrator
from services.trainer.validation.validate import validate
from shared.model.bundle import load
from shared.model.case_values import CaseValues
from tests.support.cohorts import quiet, simulated

ARM = "clinical_molecular"
PLAN = TrainPlan("table", "2026-01-01", refits=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("recalibration")
    train_bundle(simulated(home, SimulationPlan(90, tiles=2, width=8))[0], None, PLAN, home / "bundle", quiet)
    return home / "bundle"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Patients of a hospital where everything happens in half the time."""
    cohort = simulated(tmp_path_factory.mktemp("other"), SimulationPlan(120, seed=2, tiles=2, width=8))[0]
    return cohort.with_outcome(replace(cohort.outcome, time=cohort.outcome.time / 2))


@pytest.fixture(scope="module")
def served(folder: Path) -> ServedBundle:
    return read_bundle(folder)


def patients(served: ServedBundle, cohort: Cohort) -> Patients:
    return served.patients(replace(cohort, profile=served.profile), None)


@pytest.mark.parametrize("method", list(Method))
def test_recalibrated_risks_come_true_on_the_patients_that_they_were_set_on(
    served: ServedBundle, other: Cohort, method: Method
) -> None:
    asked = patients(served, other)
    known = np.flatnonzero(asked.has_blocks(("clinical", "molecular")))
    before = predict_all(served, asked)[0][ARM].risk[known, asked.horizon]
    new = Recalibrator(served, method, (3.0,))(asked)
    risk = new.model(ARM).predict(asked.take(known).case_values).risk[:, asked.horizon]
    happened = float(cumulative_incidence(other.outcome[known], np.array([3.0]))[0])
    a, b = calibration.line(other.outcome[known], risk, 3.0, slope=True)
    assert abs(risk.mean() - happened) < 0.03 < abs(before.mean() - happened)
    assert {Method.LEVEL: True, Method.SLOPE: (a, b) == pytest.approx((0, 1), abs=1e-6)}.get(method, True)
    assert np.argsort(risk).tolist() == np.argsort(before).tolist() or method is Method.BASELINE
    limit = new.training.thresholds[ARM]
    flagged = before >= served.training.thresholds[ARM]
    assert np.mean((risk >= limit) == flagged) > (0.95 if method is Method.BASELINE else 0.999)


def test_new_baselines_expect_as_many_events_of_each_cause_as_there_were(served: ServedBundle, other: Cohort) -> None:
    asked = patients(served, other)
    arm = Recalibrator(served, Method.BASELINE, (3.0, 5.0))(asked).bundle.arms["clinical"]
    horizon = float(arm.times_years[-1])
    ends = np.minimum(other.outcome.time, horizon)
    hazard = np.interp(ends, np.append(0.0, arm.times_years), np.append(0.0, arm.fit.event.baseline))
    design = np.stack([column.standardised(asked.case_values) for column in arm.columns], axis=1)
    expected = float((hazard * np.exp(design @ arm.fit.event.coefficients)).sum())
    assert expected == pytest.approx(int((other.outcome.is_event & (other.outcome.time <= horizon)).sum()), rel=0.06)


def test_a_recalibrated_bundle_is_another_one_that_names_its_cohort_and_is_not_validated_on_it(
    folder: Path, served: ServedBundle, other: Cohort, tmp_path: Path
) -> None:
    entry = recalibrate(folder, other, None, RecalibrationPlan(Method.SLOPE, "2026-02-02"), tmp_path / "new")
    new = read_bundle(tmp_path / "new")
    assert (new.bundle.digest, read_bundle(folder).bundle.digest) == (entry.digest, served.bundle.digest)
    assert other.digest[:12] in new.bundle.manifest.reservations[-1]
    assert other.digest[:12] in (tmp_path / "new" / "model_card.md").read_text().split("\n\n## ")[1]
    assert abs((entry.arms[ARM].after.o_e.est or 0) - 1) < abs((entry.arms[ARM].before.o_e.est or 0) - 1)
    with pytest.raises(LeakError):
        validate(new, other, None, tmp_path, quiet)
    case = CaseValues(new.profile, other.take(np.array([0])).case_values.columns, 1)
    assert load(tmp_path / "new").predict(ARM, case).risk[0] == pytest.approx(
        new.model(ARM).predict(case).risk[0, np.searchsorted(new.bundle.arms[ARM].times_years, [3.0, 5.0])]
    )


def test_too_few_events_and_the_bundles_own_folder_are_refused(
    folder: Path, served: ServedBundle, other: Cohort
) -> None:
    asked = patients(served, other)
    few = asked.take(np.flatnonzero(~other.outcome.is_event | (np.cumsum(other.outcome.is_event) < 8)))
    with pytest.raises(UnusableCohortError, match="10 are needed to recalibrate"):
        Recalibrator(served, Method.LEVEL, (3.0,))(few)
    with pytest.raises(BadModelError, match="never replaces"):
        recalibrate(folder, other, None, RecalibrationPlan(Method.LEVEL, "2026-02-02"), folder)
