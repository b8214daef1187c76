"""The study of the rule: ways differ, the rule first keeps the rule's point, and tables name gain and harm."""

from typing import Any

import numpy as np
import pytest

from services.trainer.arms.arm import Patients
from services.trainer.arms.ridge_cox import recipe_of
from services.trainer.arms.rule import flagged
from services.trainer.arms.tabular import fit_tabular
from tests.studies.rule_study import FIGURES, RULE, RulePlan, log_risks, statistics
from tests.studies.rule_summary import rule_section, simulated_summary
from tests.studies.rule_ways import COLUMN, RIDGE, WAYS, fit_way

BLOCKS = ("clinical", "molecular")
FIRST = "rule first, then ridge"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Patients, Patients]:
    plan = RulePlan(9003, 1, 150, follows_rule=True, new_patients=200)
    return plan._pair(9003, tmp_path_factory.mktemp("rule"))


def test_todays_way_is_the_model_that_the_trainer_fits(pair: tuple[Patients, Patients]) -> None:
    train, new = pair
    recipe = recipe_of(train, frozenset(BLOCKS))
    model = fit_tabular(recipe, train.case_values, train.cohort.outcome, train.inner_folds())
    ours, trainers = fit_way(WAYS[RIDGE], train, BLOCKS)(new), model.predict(new.case_values).log_risk
    assert ours - ours[0] == pytest.approx(trainers - trainers[0])


def test_the_rule_first_is_not_less_specific_than_the_rule_at_its_sensitivity(
    pair: tuple[Patients, Patients],
) -> None:
    train, new = pair
    everyone, outcome = np.ones((1, len(new))), new.cohort.outcome
    risks = log_risks(train, new, BLOCKS)
    values = {
        way: float(statistics(outcome, risks[way], flagged(new))["at_rule"](everyone)[0]) for way in (RULE, FIRST)
    }
    assert values[RULE] <= values[FIRST] < values[RULE] + 0.05
    assert len({tuple(risk) for risk in risks.values()}) > len(WAYS) - 3


def piece(gain: float) -> dict[str, Any]:
    """A scenario in which the column of the rule adds `gain` to every figure."""
    ridge = {name: [0.60, 0.61, 0.62] for name in FIGURES}
    column = {name: [0.60 + gain, 0.61 + gain + 1e-6, 0.62 + gain] for name in FIGURES}
    return {
        "plan": {"patients": 150, "follows_rule": False},
        "value": {"clinical": {RIDGE: ridge, COLUMN: column}},
    }


@pytest.mark.parametrize(("gain", "marked"), [(0.02, "**0.020 ("), (-0.02, "*harm*: -0.020 ("), (-0.005, "| -0.005 (")])
def test_the_table_marks_a_gain_and_a_harm(gain: float, marked: str) -> None:
    value = simulated_summary([piece(gain), piece(gain)])
    assert value["scenarios"][-1]["truth"] == "all"
    assert marked in rule_section(value)
