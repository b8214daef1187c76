"""An error that nobody raised on purpose is told by type, place and incident id, and ends nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.error_location import NOWHERE, place_of
from shared.errors import MedullaError, PoisonMessageError, TransientError
from shared.incidents import STOPS, contained, incident
from shared.text import capped, clean
from shared.times import when
from tests.support.logs import logging_as

SECRET = "Anna Müller"


def caught(*passed: object) -> BaseException:
    """An error that our own code met in a library."""
    try:
        when(*passed)  # type: ignore[arg-type]  # wrong on purpose
    except AttributeError as error:
        return error
    raise AssertionError


def test_the_place_is_the_innermost_of_ours() -> None:
    assert place_of(caught(SECRET)).startswith("shared/times.py:")
    assert place_of(ValueError()) == NOWHERE


def test_one_id_ties_the_line_of_the_log_to_what_people_are_told() -> None:
    with logging_as("tiler", "INFO") as logged:
        reported = incident(caught(SECRET), "tiler")
    (line,) = logged.lines("internal error")
    assert (line["error"], line["where"], line["incident"]) == ("AttributeError", "tiler", reported.incident)
    assert str(reported) == f"unexpected AttributeError at {line['place']}; incident {reported.incident}"
    assert SECRET.split(maxsplit=1)[0] not in logged.text() + str(reported)


def test_our_own_errors_keep_their_sentence() -> None:
    assert str(incident(MedullaError("the key is not readable"), "tiler")).startswith("the key is not readable; ")


@pytest.mark.parametrize("kind", [*STOPS, TransientError])
def test_what_ends_a_program_or_is_to_pass_goes_through(kind: type[BaseException]) -> None:
    with pytest.raises(kind), contained("test", TransientError):
        raise kind


def test_everything_else_ends_the_block_alone() -> None:
    with logging_as("test", "INFO") as logged:
        with contained("test", TransientError):
            raise RecursionError
        with contained("test"):
            raise TransientError("the store is down")
    assert [line["error"] for line in logged.lines("internal error")] == ["RecursionError", "TransientError"]


@given(text=st.text(st.characters(exclude_categories=())), longest=st.integers(1, 50))
def test_clean_text_is_encodable_and_stays_as_it_is(text: str, longest: int) -> None:
    once = capped(text, longest)
    assert len(once) <= longest
    assert capped(once, longest) == once == clean(once)
    assert once.encode().decode() == once


def test_what_is_readable_is_kept() -> None:
    text = "Größe 0,25 µm\n\tFall 切片 🙂"
    assert capped(text) == text
    assert capped("abcdef", 4) == "abc…"
    assert str(PoisonMessageError("a\ud800b\x1b[31m")) == "a\ufffdb\ufffd[31m"
