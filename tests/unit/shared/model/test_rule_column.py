"""The rule's answer as a column of models: derived from the other values, and stated only by bundles that have it."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from shared.model.case_values import CaseValues
from shared.model.profile import Profile
from tests.support.fusion import PROFILE

RULE = {"rule": "stage > M0 or age < 3", "rule_as_column": "clinical"}


def profile(**changes: Any) -> Profile:
    return Profile.model_validate(PROFILE | RULE | changes)


def answer(**values: float | str) -> float:
    return float(CaseValues.of_case(profile(), values).column("rule")[0])


def test_the_rule_is_the_last_variable_of_the_record_and_no_entry_of_it() -> None:
    with_rule = profile()
    assert [variable.name for variable in with_rule.of_blocks(["clinical"])] == ["age", "stage", "rule"]
    assert [variable.name for variable in with_rule.variables] == ["age", "stage", "group"]
    rule = with_rule.variable("rule")
    assert rule is not None
    assert rule.shown == "rule (M stage > M0 or …)"
    assert profile(rule="not age >= 3").predictors[-1].shown == "rule (not age >= 3)"


def test_the_answer_is_high_or_low_where_known_values_decide_it() -> None:
    assert (answer(stage="M1"), answer(stage="M0", age=8.0), answer(stage="M0", age=2.0)) == (1, 0, 1)


def test_the_answer_is_missing_where_missing_values_decide_it() -> None:
    assert np.isnan([answer(stage="M0"), answer(age=8.0), answer(group="G3")]).all()


def test_a_rule_that_is_undecided_makes_no_block_known() -> None:
    cases = CaseValues.of_case(profile(), {"group": "G3"})
    assert (cases.has_block("clinical").tolist(), cases.has_block("molecular").tolist()) == ([False], [True])


def test_a_bundle_states_the_column_only_where_its_profile_has_it() -> None:
    without = profile(rule_as_column="")
    assert "rule_as_column" not in without.served()
    assert "rule_as_column" not in without.model_dump(mode="json")
    assert without.variable("rule") is None
    assert Profile.model_validate(profile().model_dump(mode="json")) == profile()
    assert Profile.model_validate(profile().served()).rule_variable == profile().rule_variable


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"rule": ""}, "names a block of the record, in a profile with a rule"),
        ({"rule_as_column": "pathomic"}, "names a block of the record"),
        ({"rule": "stage > M0 or group == G3"}, "the rule reads group, which is of block molecular"),
        ({"rule": "stage > M9"}, "stage is compared with `M9`"),
        ({"variables": [*PROFILE["variables"], PROFILE["variables"][0] | {"name": "rule"}]}, "rule is taken"),
    ],
)
def test_a_column_that_the_profile_cannot_have_is_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        profile(**changes)
