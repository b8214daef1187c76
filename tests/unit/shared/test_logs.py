"""Logs are JSON lines that carry the ids at hand."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared import logs
from tests.support.logs import logging_as

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    with logging_as("tiler", "INFO") as logged:
        yield logged.lines


def test_a_line_names_service_level_time_and_bound_ids(lines: Lines) -> None:
    with logs.bound(case_id="c1", slide_id="", event_id="e1"):
        logs.get("shared.test").info("planned the slide", tiles=12)
    logs.get("shared.test").info("idle")
    first, second = lines()
    assert first["event"] == "planned the slide"
    assert (first["service"], first["level"], first["tiles"]) == ("tiler", "info", 12)
    assert (first["case_id"], first["event_id"]) == ("c1", "e1")
    assert first["time"].endswith("Z")
    assert "slide_id" not in first
    assert "case_id" not in second


def test_an_exception_is_its_type_and_places_on_one_line(lines: Lines) -> None:
    try:
        raise ValueError("broken\ntwice")
    except ValueError:
        logs.get("shared.test").exception("a bug")
    (line,) = lines()
    assert line["exception"]["type"] == "ValueError"


def test_libraries_log_the_same_way(lines: Lines) -> None:
    logging.getLogger("some.library").warning("odd: %s", 3)
    logging.getLogger("kafka.client").info("chatter")
    (line,) = lines()
    assert (line["event"], line["service"], line["level"]) == ("odd: 3", "tiler", "warning")


def test_a_look_at_the_schema_of_a_database_is_not_told(lines: Lines) -> None:
    logging.getLogger("alembic.runtime.migration").info("Context impl SQLiteImpl.")
    assert lines() == []


def test_lines_below_the_level_are_left_out(lines: Lines) -> None:
    logs.get("shared.test").debug("detail")
    assert lines() == []


def test_an_exception_shows_neither_its_text_nor_variables(lines: Lines) -> None:
    secret = "age 4.2 years"
    try:
        raise ValueError(secret)
    except ValueError as error:
        logs.get("test").error("part failed", exc_info=error)
    (line,) = lines()
    assert line["exception"]["type"] == "ValueError"
    assert secret not in json.dumps(line)


def test_people_read_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    handlers, level = logging.root.handlers, logging.root.level
    try:
        logs.configure("medulla", "ERROR", sentences=True)
        logs.get("test").error(
            "internal error", incident="1f", where="tiler", error="KeyError", place="a.py:1", frames=[]
        )
        logs.get("test").error("part failed", part="Page", sentence="port 80 is taken")
        logging.getLogger("library").error("%s is odd", "it")
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(level)
    assert capsys.readouterr().err.splitlines() == [
        "medulla: internal error: error KeyError, place a.py:1, incident 1f.",
        "medulla: part failed: port 80 is taken.",
        "medulla: it is odd.",
    ]
