"""A library that repeats itself is heard once a minute."""

import logging

from shared.log_repeats import Repeats


def line(number: int, name: str = "kafka.net.manager", lineno: int = 7) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "manager.py", lineno, "connection %d failed", (number,), None)


def test_a_repeated_line_of_the_library_is_shown_once_a_minute_with_its_number() -> None:
    now = 0.0
    repeats = Repeats("kafka", lambda: now)
    shown = [repeats.filter(line(number)) for number in range(5)]
    now = 61.0
    later = line(5)
    assert (shown, repeats.filter(later)) == ([True, False, False, False, False], True)
    assert later.getMessage() == "connection 5 failed (and 4 times since the last such line)"


def test_other_places_and_other_libraries_are_shown() -> None:
    repeats = Repeats("kafka", lambda: 0.0)
    assert repeats.filter(line(1))
    assert repeats.filter(line(1, lineno=8))
    assert [repeats.filter(line(1, name="services.tiler")) for _ in range(2)] == [True, True]
