"""A recalibrated bundle gives the same risks given no event in reports as in scores."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import recipe_of
from services.trainer.arms.tabular import fit_tabular
from services.trainer.metrics.landmark import conditional_risk
from services.trainer.simulation.simulate import SimulationPlan
from shared.model.calibration import Recalibration
from shared.model.course import CourseModel
from tests.support.cohorts import simulated


def test_risks_given_no_event_of_a_recalibrated_model_are_those_of_its_scores(tmp_path: Path) -> None:
    cohort, _ = simulated(tmp_path, SimulationPlan(patients=80, seed=41))
    patients = Patients(cohort, 0)
    recipe = recipe_of(patients, frozenset({"clinical"}), (1.0,))
    model = fit_tabular(recipe, patients.case_values, cohort.outcome, patients.inner_folds())
    recalibrations = {3.0: Recalibration(intercept=0.3, slope=0.8), 5.0: Recalibration(intercept=0.2, slope=0.9)}
    report = replace(model, recalibrations=recalibrations).predict(patients.case_values)
    scores = CourseModel(model.arm, (3.0, 5.0), tuple(recalibrations.values()))(patients.case_values, (1.0, 2.0, 3.0))
    grid = model.arm.times_years
    since, until = (np.searchsorted(grid, years - 1e-9) for years in (scores.event_free_years, scores.horizons_years))
    pairs = zip(since, until, strict=True)
    conditional = [conditional_risk(report.risk[:, a], report.risk[:, b], report.event_free[:, a]) for a, b in pairs]
    assert np.stack(conditional, axis=1) == pytest.approx(scores.event_free.risk, abs=1e-9)
    assert np.ptp(scores.event_free.risk) > 0.01
