"""Revisions order the scores of a case by what they were made from, whatever order events arrive in."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.fusion_scorer.score_case import revision

moments = st.integers(0, 10**12).map(lambda us: datetime.fromtimestamp(0, UTC) + timedelta(microseconds=us))


@given(landed=st.lists(moments, max_size=6), more=moments)
def test_one_more_input_makes_a_revision_greater(landed: list[datetime], more: datetime) -> None:
    assert revision([*landed, more]) > revision(landed)


@given(landed=st.lists(moments, min_size=1, max_size=6), which=st.integers(0, 5), later=st.integers(1, 10**9))
def test_an_input_that_lands_again_makes_a_revision_greater(landed: list[datetime], which: int, later: int) -> None:
    replaced = list(landed)
    replaced[which % len(landed)] += timedelta(microseconds=later)
    assert revision(replaced) > revision(landed)


@given(landed=st.lists(moments, max_size=6))
def test_the_order_of_inputs_does_not_matter(landed: list[datetime]) -> None:
    assert revision(landed) == revision(list(reversed(landed)))
