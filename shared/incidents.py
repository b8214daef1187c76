"""Unexpected errors: logged by type and location, reported to people with an incident id."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from shared import logs, metrics
from shared.error_location import frames_of, place_of
from shared.errors import InternalError, MedullaError

STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""Exceptions that end a program or a stream on purpose; never incidents."""

_log = logs.get(__name__)


@contextmanager
def contained(where: str, *passed: type[BaseException]) -> Iterator[None]:
    """Turn an exception of the block into an incident; `passed` and STOPS propagate."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, (*STOPS, *passed)):
            raise
        incident(error, where)


def incident(error: BaseException, where: str) -> InternalError:
    """Log and count an unexpected error; returns the error to report, with the incident id of the log line.

    `where` is the service or part at work. Only errors of our tree keep their text, which is meant for people.
    """
    number, kind, place = token_hex(6), type(error).__name__, place_of(error)
    metrics.INTERNAL_ERRORS.labels(where, kind).inc()
    _log.error("internal error", incident=number, where=where, error=kind, place=place, frames=frames_of(error))
    sentence = str(error) if isinstance(error, MedullaError) else f"unexpected {kind} at {place}"
    return InternalError(f"{sentence}; incident {number}", number)
