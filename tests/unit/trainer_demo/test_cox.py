"""Ridge Cox against counting by hand and against lifelines."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from services.trainer.demo.cox import fit_cox

GRID = np.array([1.0, 2.0, 3.0])


def test_without_covariate_effects_the_baseline_is_nelson_aalen() -> None:
    times, events = np.array([1.0, 2.0, 2.5, 4.0]), np.array([True, True, False, True])
    fit = fit_cox(np.zeros((4, 1)), times, events, 1.0, GRID)
    assert fit.baseline == pytest.approx([1 / 4, 1 / 4 + 1 / 3, 1 / 4 + 1 / 3])
    assert fit.coefficients == pytest.approx([0])


def test_no_event_gives_no_effect_and_no_hazard() -> None:
    fit = fit_cox(np.eye(3), np.array([1.0, 2.0, 3.0]), np.zeros(3, bool), 1.0, GRID)
    assert not fit.coefficients.any()
    assert not fit.baseline.any()


def test_two_patients_of_whom_the_exposed_fails_first_are_counted_by_hand() -> None:
    fit = fit_cox(np.array([[1.0], [0.0]]), np.array([1.0, 2.0]), np.array([True, True]), 1.0, GRID)
    b = float(fit.coefficients[0])
    assert 1 - np.exp(b) / (np.exp(b) + 1) == pytest.approx(b)


@pytest.mark.parametrize("seed", [0, 1])
def test_agrees_with_lifelines_on_random_data(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(150, 3))
    times = rng.exponential(np.exp(-x @ np.array([0.5, -0.3, 0.0])))
    events = rng.random(150) < 0.7
    table = pd.DataFrame(x, columns=["a", "b", "c"]).assign(t=times, e=events)
    judge = CoxPHFitter().fit(table, "t", "e")
    ours = fit_cox(x, times, events, 0.0, GRID)
    assert ours.coefficients == pytest.approx(judge.params_.to_numpy(), abs=1e-4)
    steps = judge.baseline_cumulative_hazard_["baseline cumulative hazard"] * np.exp(-x.mean(axis=0) @ judge.params_)
    assert ours.baseline == pytest.approx([steps[steps.index <= time].iloc[-1] for time in GRID], rel=1e-3)


def test_a_constant_column_gets_no_coefficient() -> None:
    rng = np.random.default_rng(3)
    x = np.column_stack([rng.normal(size=50), np.zeros(50)])
    fit = fit_cox(x, rng.exponential(size=50), np.ones(50, bool), 1.0, GRID)
    assert fit.coefficients[1] == 0
