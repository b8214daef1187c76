"""Refits: their spread grows with what is not known, and leaves those alone of whom everything is."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.cox import Sample, derivatives, fit_cox
from services.trainer.bundle.refits import ArmFit, _imputed, draw_refits
from services.trainer.bundle.shrinkage import Shrinkage
from services.trainer.simulation.simulate import SimulationPlan
from shared.arrays import Floats
from tests.support.cohorts import simulated
from tests.support.refits import COUNT, fitted_arms, spread, with_fit

BLOCKS = ("clinical", "pathomic")


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Patients:
    cohort, _ = simulated(tmp_path_factory.mktemp("c"), SimulationPlan(160, tiles=1, width=8))
    noise = np.random.default_rng(1).normal(size=len(cohort)) + cohort.outcome.is_event
    return Patients(cohort, 1, {"pathomic": BlockView(noise, noise[:, None])})


@pytest.fixture(scope="module")
def arms(patients: Patients) -> list[ArmFit]:
    return fitted_arms(patients, BLOCKS)


def test_networks_that_disagree_make_every_interval_wider(arms: list[ArmFit], patients: Patients) -> None:
    agreed, torn = spread(arms, patients, {}), spread(arms, patients, {"pathomic": 0.5})
    assert all(wide > narrow for wide, narrow in zip(torn, agreed, strict=True))


def test_an_arm_that_knows_less_is_less_sure(arms: list[ArmFit], patients: Patients) -> None:
    both, *one = spread(arms, patients, {})
    assert all(less > both for less in one)


def test_no_refit_weighs_a_log_risk_below_0_and_some_give_an_empty_one_no_weight(patients: Patients) -> None:
    empty = np.random.default_rng(5).normal(size=len(patients))
    arms = fitted_arms(replace(patients, views={"pathomic": BlockView(empty, empty[:, None])}), BLOCKS)
    for arm, again in zip(arms, draw_refits(arms, patients, {}, COUNT), strict=True):
        bound = [i for i, column in enumerate(arm.columns) if column.variable == "pathomics"]
        weights = np.array([[cause.coefficients[bound] for cause in (f.event, *f.competing)] for f in again])
        assert (weights >= 0).all()
        assert not bound or 0.1 < (weights[:, 0] == 0).mean() < 0.9


def test_the_same_seed_gives_the_same_refits(arms: list[ArmFit], patients: Patients) -> None:
    one, two = (draw_refits(arms, patients, {"pathomic": 0.7}, 2) for _ in range(2))
    assert np.array_equal(one[0][1].event.coefficients, two[0][1].event.coefficients)
    assert draw_refits(arms, patients, {"pathomic": 0.7}, 0) == [(), (), ()]


def test_a_drawn_imputation_moves_those_alone_whose_value_is_missing(arms: list[ArmFit], patients: Patients) -> None:
    arm = arms[0]
    changed = with_fit(arm.model, _imputed(arm, arm.model.arm.fit, patients, np.random.default_rng(3)))
    missing = [i for i, column in enumerate(arm.columns) if column.form == "missing"]
    marks = arm.design[:, missing] > 0
    moved = changed.predict_design(arm.design).risk - arm.model.predict_design(arm.design).risk
    assert np.abs(moved[~marks.any(axis=1)]).max() < 1e-9
    assert (np.abs(moved[marks.any(axis=1)]).max(axis=1) > 1e-6).mean() > 0.9


def test_a_fit_held_back_towards_a_point_has_no_gradient_there() -> None:
    rng = np.random.default_rng(2)
    sample = Sample.of(rng.normal(size=(80, 2)), rng.exponential(size=80), rng.random(80) < 0.5)
    ridges, towards = np.array([2.0, 50.0]), np.array([0.5, -0.3])
    weights = fit_cox(sample, ridges, towards=towards)
    assert derivatives(sample, weights, 0.0)[0] == pytest.approx(ridges * (weights - towards), abs=1e-6)


def test_a_column_that_matters_is_held_back_less_over_the_sampler_than_one_that_does_not() -> None:
    rng = np.random.default_rng(4)
    coefficients: Floats = np.array([0.8, *np.zeros(9)])
    state, seen = Shrinkage.start(np.ones(10), 30.0), []
    for _ in range(300):
        state = state.after(coefficients, rng)
        seen.append(state.ridges)
    median = np.median(seen, axis=0)
    assert median[0] < median[1:].min() / 3
    assert replace(state, ridges=np.full(10, 1e6)).towards(rng) == pytest.approx(np.zeros(10), abs=0.01)
