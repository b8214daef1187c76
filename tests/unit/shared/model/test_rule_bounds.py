"""What a rule says of patients whose values are missing in part."""

import numpy as np
import pytest

from shared.arrays import Floats
from shared.model.rule import BadRuleError, parse_rule

LEVELS: dict[str, tuple[str, ...]] = {"stage": ("M0", "M1", "M2"), "age": (), "sex": ("female", "male")}
RULE = parse_rule("stage > M0 or age < 3", LEVELS)


def bounds(text: str, **values: float) -> tuple[bool, bool]:
    def column(name: str) -> Floats:
        return np.array([values.get(name, np.nan)])

    certain, possible = parse_rule(text, LEVELS).bounds(column)
    return bool(certain[0]), bool(possible[0])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"stage": 1.0}, (True, True)),
        ({"age": 2.0}, (True, True)),
        ({"stage": 0.0}, (False, True)),
        ({"age": 5.0}, (False, True)),
        ({"stage": 0.0, "age": 5.0}, (False, False)),
        ({}, (False, True)),
    ],
)
def test_one_known_reason_is_enough_and_none_of_several_leaves_it_open(
    values: dict[str, float], expected: tuple[bool, bool]
) -> None:
    assert bounds(RULE.text, **values) == expected


def test_a_negation_turns_what_is_certain_into_what_is_impossible() -> None:
    assert bounds("not (stage > M0)", stage=1.0) == (False, False)
    assert bounds("not (stage > M0)") == (False, True)
    assert bounds("not (stage > M0) and age < 3", age=5.0) == (False, False)
    assert bounds("sex in (female, male)") == (False, True)


def test_known_values_give_what_the_rule_itself_gives() -> None:
    columns = {"stage": np.array([0.0, 1.0, 2.0, 0.0]), "age": np.array([1.0, 5.0, 2.0, 9.0])}
    certain, possible = RULE.bounds(columns.__getitem__)
    assert (certain == RULE(columns.__getitem__)).all()
    assert (certain == possible).all()


def test_a_rule_names_its_variables_and_an_empty_one_has_no_bounds() -> None:
    assert RULE.variables == ("age", "stage")
    assert parse_rule("", LEVELS).variables == ()
    with pytest.raises(BadRuleError, match="no expression"):
        parse_rule("", LEVELS).bounds(lambda _: np.zeros(1))
