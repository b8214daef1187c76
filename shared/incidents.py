"""Errors that nobody raised on purpose: logged by type and place, and told to people by an incident id."""

from collections.abc import Iterator
from contextlib import contextmanager
from secrets import token_hex

from shared import logs, metrics
from shared.error_location import frames_of, place_of
from shared.errors import InternalError, MedullaError

STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)
"""What ends a program or a stream on purpose, and is never an incident."""

_log = logs.get(__name__)


@contextmanager
def contained(where: str, *passed: type[BaseException]) -> Iterator[None]:
    """What the block raises is an incident and ends the block alone; `passed` and STOPS go through."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, (*STOPS, *passed)):
            raise
        incident(error, where)


def incident(error: BaseException, where: str) -> InternalError:
    """Log and count an error; the one that is told in its place, with the incident id that the log line has too.

    `where` is the service or part at work. Only our own errors, whose text is for people, keep their text.
    """
    number, kind, place = token_hex(6), type(error).__name__, place_of(error)
    metrics.INTERNAL_ERRORS.labels(where, kind).inc()
    _log.error("internal error", incident=number, where=where, error=kind, place=place, frames=frames_of(error))
    what = str(error) if isinstance(error, MedullaError) else f"unexpected {kind} at {place}"
    return InternalError(f"{what}; incident {number}", number)
