"""The share of the ridge that a log-risk bears in fit and refits; the ridge is chosen as one for all columns."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms import columns
from services.trainer.arms.columns import log_risk_columns, ridge_shares
from services.trainer.arms.cox import Sample, choose_ridge, derivatives, fit_cox
from services.trainer.arms.hazards import time_grid
from services.trainer.arms.tabular import COMPETING, PENALTIES, Recipe, Tabular, fit_tabular
from services.trainer.bundle.shrinkage import Shrinkage
from services.trainer.cohort.cohort import Outcome
from services.trainer.profile import load_profile
from shared.arrays import Floats, Ints
from shared.model.block import Block
from shared.model.case_values import CaseValues
from shared.model.column import design_matrix
from shared.model.variable import Variable

PATIENTS = 240
PROFILE = load_profile().model_copy(
    update={
        "blocks": (Block(name="clinical", source="record"), Block(name="blood", source="vectors")),
        "variables": tuple(Variable(name=name, kind="numeric", block="clinical") for name in ("age", "size", "noise")),
    }
)


def training() -> tuple[CaseValues, Outcome, Ints]:
    """Values, outcome with a competing cause, and inner folds of patients; age and blood tell of the event."""
    rng = np.random.default_rng(6)
    values = {variable.name: rng.normal(size=PATIENTS) for variable in (*PROFILE.variables, *PROFILE.log_risks)}
    time = rng.exponential(np.exp(-0.5 * values["age"] - 0.8 * values["blood"]))
    outcome = Outcome(time, np.asarray(rng.choice(3, PATIENTS, p=[0.3, 0.5, 0.2]), np.int64))
    return CaseValues(PROFILE, values, PATIENTS), outcome, np.arange(PATIENTS) % 5


def fitted() -> tuple[Tabular, Floats, Outcome]:
    """The model of all columns, its design [n, p] with the log-risk last, and the outcome."""
    values, outcome, folds = training()
    grid = time_grid(PROFILE.horizons_years)
    recipe = Recipe(PROFILE.of_blocks({"clinical", "blood"}), grid, len(grid) - 1)
    model = fit_tabular(recipe, values, outcome, folds)
    return model, design_matrix(model.arm.columns, values), outcome


def gradient(model: Tabular, x: Floats, outcome: Outcome) -> Floats:
    """Gradient [p] of the partial likelihood of the event: where the fit stops, the ridge of each column's weight."""
    return derivatives(Sample.of(x, outcome.time, outcome.is_event), model.coefficients, 0.0)[0]


def test_a_log_risk_alone_bears_a_quarter_of_the_ridge() -> None:
    model, x, outcome = fitted()
    assert [column.variable for column in model.arm.columns] == ["age", "size", "noise", "blood"]
    ridges = gradient(model, x, outcome) / model.coefficients
    assert ridges == pytest.approx(model.ridge * np.array([1, 1, 1, 0.25]), rel=1e-4)


def test_causes_that_compete_have_one_ridge_for_all_columns() -> None:
    model, x, outcome = fitted()
    sample = Sample.of(x, outcome.time, outcome.event == 2)
    expected = fit_cox(sample, COMPETING, non_negative=np.array([False, False, False, True]))
    assert model.arm.fit.competing[0].coefficients.tolist() == expected.tolist()


@pytest.mark.parametrize("share", [1e-3, 1.0])
def test_the_ridge_is_chosen_as_one_for_all_columns(share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "LOG_RISK_SHARE", share)
    model, x, outcome = fitted()
    bound, folds = log_risk_columns(model.arm.columns, PROFILE), training()[2]
    assert model.ridge == choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES, bound)


def test_with_a_share_of_1_fit_and_choice_of_ridge_are_those_of_one_ridge_to_the_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(columns, "LOG_RISK_SHARE", 1.0)
    model, x, outcome = fitted()
    bound, folds = log_risk_columns(model.arm.columns, PROFILE), training()[2]
    ridge = choose_ridge(x, outcome.time, outcome.is_event, folds, PENALTIES, bound)
    expected = fit_cox(Sample.of(x, outcome.time, outcome.is_event), ridge, non_negative=bound)
    assert (model.ridge, model.coefficients.tolist()) == (ridge, expected.tolist())


def test_with_shares_of_1_the_sampler_draws_what_one_ridge_for_all_columns_gives_to_the_bit() -> None:
    weights, chosen, p = np.array([0.4, -0.1, 0.0]), 30.0, 3
    state = Shrinkage.start(np.ones(p), chosen)
    drawn, rng = state.after(weights, np.random.default_rng(8)), np.random.default_rng(8)
    ridges = rng.gamma(1.0, 2 / (1 / chosen + weights**2), p)
    variance = rng.gamma(1 + p / 2, 1 / (chosen + ridges.sum() / 2))
    assert state.ridges.tolist() == [chosen] * p
    assert (drawn.ridges.tolist(), drawn.variance) == (np.maximum(ridges, 1e-3).tolist(), variance)


def test_the_prior_of_a_log_risk_is_twice_as_wide_as_that_of_other_columns() -> None:
    state = Shrinkage.start(ridge_shares(np.array([False, True])), 40.0)
    assert state.ridges.tolist() == [40.0, 10.0]
    rng, drawn = np.random.default_rng(9), []
    for _ in range(4000):
        drawn.append(replace(state, variance=1 / 40).after(np.zeros(2), rng).ridges)
    column, log_risk = np.median(drawn, axis=0)
    assert log_risk / column == pytest.approx(0.25, rel=0.1)
