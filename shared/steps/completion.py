"""Logs each record whose work is complete as one line."""

import logging
import time

from shared.logs import get
from shared.steps.step import Handle, Outcome, Task

_log = get(__name__)


def log_done(task: Task, handle: Handle) -> Outcome:
    """Work, then log outcome, number of results and seconds; at DEBUG for minor records and those of no case.

    A bucket announces every object, also those that services wrote themselves: they name nothing, and nothing follows.
    """
    began = time.monotonic()
    outcome = handle(task)
    is_of_interest = not task.route.minor and (outcome.records or task.route.context(task.event))
    seconds, events = round(time.monotonic() - began, 3), len(outcome.records)
    level = logging.INFO if is_of_interest else logging.DEBUG
    _log.log(level, "done", outcome=outcome.name, topic=task.route.topic, events=events, seconds=seconds)
    return outcome
