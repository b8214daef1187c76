"""Turns unexpected errors into incidents, so that they end the record at work and never the process."""

from shared.errors import PermanentError, TransientError
from shared.incidents import STOPS, incident
from shared.steps.step import Handle, Outcome, Task


def report_incidents(task: Task, handle: Handle) -> Outcome:
    """Work; errors that were raised on purpose, and those that end a program, propagate.

    Raises:
        InternalError: any other error, logged with the incident id in the sentence.
    """
    try:
        return handle(task)
    except (*STOPS, PermanentError, TransientError):
        raise
    except BaseException as error:  # noqa: BLE001 - libraries in Rust panic outside of Exception
        raise incident(error, task.service) from None
