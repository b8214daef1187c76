"""Readable expressions about a patient."""

import numpy as np
import pytest

from shared.model.rule import BadRuleError, Rule, parse_rule

LEVELS: dict[str, tuple[str, ...]] = {"stage": ("M0", "M1", "M2"), "age": (), "histology": ("classic", "LCA")}
PATIENTS = {
    "stage": np.array([0.0, 1.0, np.nan]),
    "age": np.array([2.0, 8.0, np.nan]),
    "histology": np.array([1.0, 0, 0]),
}


def holds(text: str) -> list[bool]:
    rule: Rule = parse_rule(text, LEVELS)
    return [bool(flag) for flag in rule(lambda name: PATIENTS[name])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stage > M0", [False, True, False]),
        ("stage != M0", [False, True, False]),
        ("age < 3 or stage >= M1", [True, True, False]),
        ("age >= 3 and stage in (M1, M2)", [False, True, False]),
        ("not age < 3", [False, True, True]),
        ("histology == LCA", [True, False, False]),
        ("histology == 'LCA'", [True, False, False]),
    ],
)
def test_an_expression_says_who_it_holds_for_and_a_missing_value_holds_for_nothing(
    text: str, expected: list[bool]
) -> None:
    assert holds(text) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("grade > 2", "`grade` is no variable"),
        ("stage > M9", "one of M0, M1, M2"),
        ("age > old", "a number"),
        ("__import__('os').system('true')", "no comparison"),
        ("age <", "not understood"),
        ("age + 1", "no comparison"),
    ],
)
def test_anything_but_a_comparison_of_a_known_variable_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(BadRuleError) as refused:
        parse_rule(text, LEVELS)
    assert sentence in str(refused.value)
