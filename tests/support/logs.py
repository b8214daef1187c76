"""What is logged while a test runs."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from shared import logs


class Logged:
    """The lines so far."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def text(self) -> str:
        """As they were written."""
        return self.stream.getvalue()

    def lines(self, event: str = "") -> list[dict[str, Any]]:
        """Those of `event`, or all of them."""
        lines = [json.loads(line) for line in self.text().splitlines()]
        return [line for line in lines if event in {"", line["event"]}]


@contextmanager
def logging_as(service: str, level: str) -> Iterator[Logged]:
    """Log as a service does, until the block ends."""
    handlers, before = logging.root.handlers, logging.root.level
    logged = Logged()
    logs.configure(service, level, logged.stream)
    try:
        yield logged
    finally:
        logging.root.handlers = handlers
        logging.root.setLevel(before)
        structlog.reset_defaults()
