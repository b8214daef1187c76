"""Words for comparison and for people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.text import LONGEST
from shared.words import counted, listed, normalised, printable, sentence, shown


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Group 3", "group_3"),
        ("Group 3", "GROUP3"),
        ("Group 3", " group-3 "),
        ("non-WNT/non-SHH", "Non\u2010WNT / Non\u2011SHH"),
        ("MB, Group 3", "MB,group3"),
        ("cm2", "cm\u00b2"),
        ("wild-type", "Wild Type"),
        ("TP53-wildtype", "TP53 wildtype"),
        ("M 0", "M0"),
    ],
)
def test_spellings_of_one_word_are_one(first: str, second: str) -> None:
    assert normalised(first) == normalised(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [("-1", "1"), ("3-4", "34"), ("amp -", "amp"), ("M0/M1", "M0M1"), ("M1+", "M1"), ("a\u00e9", "ae")],
)
def test_different_words_stay_different(first: str, second: str) -> None:
    assert normalised(first) != normalised(second)


@given(st.text())
def test_comparing_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


@given(st.recursive(st.none() | st.floats() | st.integers() | st.text(st.characters()), st.lists))
def test_whatever_is_shown_can_be_printed_and_encoded(value: object) -> None:
    text = shown(value)
    assert text.isprintable()
    text.encode()


def test_a_cut_value_keeps_its_closing_quote() -> None:
    assert shown("a" * 50) == '"' + "a" * 37 + '…"'
    assert len(shown("a" * 50)) == 40


@given(st.lists(st.text(st.characters(), max_size=900), max_size=40))
def test_a_sentence_holds_the_first_problems_and_counts_the_others(problems: list[str]) -> None:
    text = sentence([printable(problem)[:900] for problem in problems])
    assert len(text) <= LONGEST
    remaining = len(problems) - len(text.split("; "))
    assert remaining <= 0 or f"and {remaining + 1} more" in text or ";" in "".join(problems)


def test_words_are_listed_as_a_sentence_lists_them() -> None:
    assert [listed("abc"[:number]) for number in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert listed(["x", "y"], "or") == "x or y"


def test_a_number_takes_the_noun_that_fits_it() -> None:
    assert [counted(number, "case") for number in (0, 1, 2)] == ["0 cases", "1 case", "2 cases"]
    assert [counted(number, "entry", "entries") for number in (1, 3)] == ["1 entry", "3 entries"]
