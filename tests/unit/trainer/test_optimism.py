"""Optimism by refitting: what is learned from noise is taken off again, and no patient is on both sides of a fold."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.evaluation.controls import permute_outcome
from services.trainer.evaluation.optimism import RefitFigures, optimism, refit
from services.trainer.folds import patient_folds, stratified_folds
from services.trainer.simulation.simulate import SimulationPlan
from tests.support.cohorts import simulated


def of(own: float | None, whole: float | None) -> RefitFigures:
    return {"clinical": {"uno_c": (own, whole)}}


def test_the_corrected_figure_is_the_apparent_one_less_the_mean_optimism() -> None:
    result = optimism([of(0.8, 0.8), of(0.84, 0.74), of(0.78, 0.76), of(None, 0.7)])
    assert result is not None
    (row,) = result.rows
    assert (result.samples, row.apparent) == (3, 0.8)
    assert (row.optimism, row.corrected) == pytest.approx((0.06, 0.74))
    assert optimism([]) is None


def test_a_patient_who_is_drawn_twice_is_in_one_fold_and_others_are_split_as_ever() -> None:
    rng = np.random.default_rng(3)
    drawn = rng.integers(0, 60, 60)
    names = [f"P-{i}" for i in drawn]
    strata = (drawn % 3 == 0).astype(np.int64)
    folds = patient_folds(names, strata, 5, np.random.default_rng(1))
    assert all(len(set(folds[drawn == patient])) == 1 for patient in drawn)
    assert set(folds) == set(range(5))
    whole = [f"P-{i}" for i in range(60)]
    plain = stratified_folds(strata, 5, np.random.default_rng(1))
    assert patient_folds(whole, strata, 5, np.random.default_rng(1)).tolist() == plain.tolist()


def test_what_arms_learn_from_a_permuted_outcome_is_gone_after_correction(tmp_path: Path) -> None:
    cohort = permute_outcome(simulated(tmp_path, SimulationPlan(100, tiles=2, width=8))[0], 4)
    result = optimism([refit(cohort, None, 1, draw) for draw in range(7)])
    assert result is not None
    rows = {(row.arm, row.metric): row for row in result.rows}
    c, error = rows["clinical_molecular", "uno_c"], rows["clinical_molecular", "brier_3y"]
    assert (c.apparent or 0) > 0.62
    assert (c.corrected or 1) < (c.apparent or 0) - 0.08
    assert abs((c.corrected or 0) - 0.5) < 0.1
    assert (error.optimism or 0) < 0 < (error.corrected or 0) - (error.apparent or 1)
