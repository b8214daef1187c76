"""A search for names that looked nowhere, or never saw them where they may stand, shows nothing."""

import pytest

from tests.chaos.places import ANSWER, LOG, METRICS, OBJECT, TABLE, TOPIC, TRACE, Place
from tests.chaos.planted import FILE_NAME, FOLDER_NAME, NAME, RECORD
from tests.chaos.scenarios import canary

_NAMES = ("A patient's name", "A name in a key", "A name in a slide's file name")


def _of_kind(kind: str, name: str = "", text: str = "words") -> Place:
    return Place(kind, name, text.encode())


def _searched() -> list[Place]:
    """A place of each kind, and the names where they may stand."""
    return [
        *map(_of_kind, canary.KINDS),
        _of_kind(TOPIC, f"dead.letters about {RECORD}, 0/1", NAME),
        _of_kind(ANSWER, f"dead letter about {FOLDER_NAME}", FOLDER_NAME),
        _of_kind(OBJECT, "cases/1", FILE_NAME),
    ]


def _verdicts(searched: list[Place]) -> list[bool]:
    rows = canary.of_names(searched, 1, "glance")
    assert [row.promise.startswith(name) for row, name in zip(rows, _NAMES, strict=True)] == [True] * len(_NAMES)
    return [row.held for row in rows]


def test_names_that_stand_where_they_may_and_nowhere_else_hold() -> None:
    assert _verdicts(_searched()) == [True, True, True]


@pytest.mark.parametrize("kind", [LOG, METRICS, TRACE, TOPIC, OBJECT, TABLE, ANSWER])
def test_a_kind_of_place_that_was_not_searched_or_is_empty_holds_nothing(kind: str) -> None:
    others = [place for place in _searched() if place.kind != kind or place.name]
    named = [place for place in others if place.kind != kind]
    assert _verdicts(named) == [False, False, False]
    assert _verdicts([*named, _of_kind(kind, text="")]) == [False, False, False]


@pytest.mark.parametrize(("name", "verdicts"), [(NAME, 0), (FOLDER_NAME, 1), (FILE_NAME, 2)])
def test_a_name_that_was_seen_nowhere_holds_nothing(name: str, verdicts: int) -> None:
    seen = [place for place in _searched() if not place.holds(name)]
    assert _verdicts(seen)[verdicts] is False


@pytest.mark.parametrize(("name", "verdict"), [(NAME, 0), (FOLDER_NAME, 1), (FILE_NAME, 2)])
def test_a_name_in_a_log_does_not_hold(name: str, verdict: int) -> None:
    assert _verdicts([*_searched(), _of_kind(LOG, "tiler", f"read {name}")])[verdict] is False
