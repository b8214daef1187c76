"""The bench table counts right."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench import log_volume
from tests.bench.size import FULL
from tests.bench.table import Row, Section, Spread, figure, ratios, render

positive = st.floats(min_value=1e-3, max_value=1e6)


@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=9))
def test_the_ratio_is_taken_repeat_by_repeat_and_stays_between_its_extremes(pairs: list[tuple[float, float]]) -> None:
    row = Row("what", "tiles/s", [ours for ours, _ in pairs], "another", [other for _, other in pairs])
    ratio = row.ratio
    assert ratio is not None
    assert ratio.lo == min(ours / other for ours, other in pairs)
    assert ratio.lo <= ratio.median <= ratio.hi


def test_what_slowed_one_repeat_of_both_down_leaves_the_ratio_alone() -> None:
    row = Row("what", "tiles/s", [100, 10, 100], "another", [50, 5, 50])
    assert row.ratio == Spread(2, 2, 2)


def test_the_median_of_an_even_number_of_repeats_lies_between_the_middle_two() -> None:
    assert Spread.of([1, 9, 2, 4]) == Spread(3, 1, 9)


def test_nothing_measured_has_neither_spread_nor_ratio() -> None:
    assert Spread.of([]) is None
    assert Row("what", "ms", [1.0]).ratio is None
    assert ratios([], [1.0]) == []


def test_alternatives_measured_unequally_often_are_no_pairs() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(
    ("value", "text"), [(1234.4, "1234"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123")]
)
def test_a_figure_has_three_digits(value: float, text: str) -> None:
    assert figure(value) == text


def test_the_table_shows_medians_extremes_and_a_sentence_for_what_was_not_measured() -> None:
    row = Row("reading", "tiles/s", [300, 100, 200], "another", [100, 100, 100])
    table = render([Section("Readers", [row], ["a note"]), Section("Triton: not measured. It is not there.")])
    assert "200 (100-300) tiles/s" in table
    assert "2.00 (1.00-3.00)" in table
    assert "  a note" in table
    assert "Triton: not measured. It is not there." in table


def test_lines_of_a_case_are_those_that_name_it(tmp_path: Path) -> None:
    log = tmp_path / "tiler.log"
    log.write_text('{"case_id": "A-1"}\n{"key": "slides/A-1/a.svs"}\n{"case_id": "A-10"}\n{"event": "ready"}\n')
    count, size = log_volume.about("tiler", log, ["A-1", "A-10"])
    assert (count.ours, size.ours) == ([2.0, 1.0], [47.0, 20.0])


def test_one_number_of_cases_sets_the_list_the_promotion_and_the_archive() -> None:
    size = FULL.of_cases(5000)
    assert [size.listed_cases, size.stored_cases, size.archived_cases] == [5000] * 3
    assert size.live_cases == FULL.live_cases
