"""Certainty of a risk by its interval."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.certainty import Interval, certainty_of
from shared.model.thresholds import Group, GroupRule, WidthLimit

LIMIT = WidthLimit(width=0.4, basis="as wide as a cohort made up for a test")
RULE = GroupRule(
    horizon_years=3,
    groups=(Group(name="lower", below=0.25), Group(name="middle", below=0.5), Group(name="higher")),
    basis="made up",
    widest=LIMIT,
)


def interval(lo: float, hi: float) -> Interval:
    return Interval(3.0, lo, hi, 0.9)


@pytest.mark.parametrize(
    ("lo", "hi", "state"),
    [
        (0.05, 0.2, "clear"),
        (0.25, 0.45, "clear"),
        (0.55, 0.9, "clear"),
        (0.05, 0.25, "crosses_threshold"),
        (0.24, 0.51, "crosses_threshold"),
        (0.1, 0.51, "too_uncertain"),
        (0.55, 0.96, "too_uncertain"),
    ],
)
def test_an_interval_is_clear_within_one_group_and_no_wider_than_the_limit(lo: float, hi: float, state: str) -> None:
    assert certainty_of(RULE, interval(lo, hi)).state == state


@given(st.tuples(st.floats(0, 1), st.floats(0, 1)).map(sorted))
def test_where_it_is_clear_both_ends_are_of_one_group(ends: list[float]) -> None:
    lo, hi = ends
    certainty = certainty_of(RULE, interval(lo, hi))
    same = RULE.group_of(lo) == RULE.group_of(hi)
    assert (certainty.state == "clear") == (same and hi - lo <= LIMIT.width)


def test_the_rule_says_interval_limit_and_where_the_limit_came_from() -> None:
    clear = certainty_of(RULE, interval(0.05, 0.2)).rule
    assert clear.startswith("the 90% interval of the 3-year risk, 5.0% to 20.0%, lies within one risk group")
    assert "15 percentage points wide; the limit is 40 (as wide as a cohort made up for a test)" in clear
    assert "reaches across 25.0% and 50.0%" in certainty_of(RULE, interval(0.2, 0.55)).rule
    assert "95 percentage points wide" in certainty_of(RULE, interval(0.03, 0.98)).rule


def test_a_model_without_groups_is_certain_by_width_alone() -> None:
    assert certainty_of(None, interval(0.1, 0.59)).state == "clear"
    wide = certainty_of(None, interval(0.1, 0.61))
    assert (wide.state, wide.limit) == ("too_uncertain", 0.5)
