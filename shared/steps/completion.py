"""Logs each record whose work is complete as one line."""

import logging
import time

from shared.logs import get
from shared.steps.step import Handle, Outcome, Task

_log = get(__name__)


def log_done(task: Task, handle: Handle) -> Outcome:
    """Work, then log the number of results and the seconds that it took; at DEBUG for minor records."""
    began = time.monotonic()
    outcome = handle(task)
    level = logging.DEBUG if task.route.minor else logging.INFO
    seconds = round(time.monotonic() - began, 3)
    _log.log(level, "done", topic=task.route.topic, events=len(outcome.records), seconds=seconds)
    return outcome
