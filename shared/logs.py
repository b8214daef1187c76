"""Structured logs on standard error: JSON lines with the ids of case, slide and event, or sentences for people."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from shared.error_location import frames_of
from shared.log_repeats import Repeats

_SHOWN = ("sentence", "error", "place", "case_id", "slide_id", "incident")
"""Fields of a line that the terminal shows, too."""


def configure(service: str, level: str = "INFO", stream: TextIO | None = None, *, sentences: bool = False) -> None:
    """Send the logs of Medulla and of its libraries to `stream` (standard error) as JSON lines, or as `sentences`.

    Every line has time (UTC), level, service, logger, event and, where bound, case_id, slide_id, event_id, trace_id.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    shared = _shared(service)
    last = _sentence if sentences else _json()
    render: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, last]
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=render, foreign_pre_chain=shared))
    handler.addFilter(Repeats("kafka"))
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    for noisy in ("alembic", "kafka", "botocore", "urllib3", "PIL", "tifffile"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger; `event` is a sentence, everything that varies goes into fields."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


@contextmanager
def bound(**ids: str) -> Iterator[None]:
    """Add ids (case_id, slide_id, event_id) to every line logged inside the block by this thread."""
    with structlog.contextvars.bound_contextvars(**{name: value for name, value in ids.items() if value}):
        yield


def _shared(service: str) -> list[Processor]:
    def name_service(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        return {**event, "service": service}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        name_service,
        _add_trace,
        _name_places,
    ]


def _name_places(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """An exception as its type and places: its text and variables may be a patient's, and stay out of the logs."""
    info = event.pop("exc_info", None)
    error = info[1] if isinstance(info, tuple) else info if isinstance(info, BaseException) else sys.exc_info()[1]
    if not info or error is None:
        return event
    return {**event, "exception": {"type": type(error).__name__, "frames": frames_of(error)}}


def _json() -> Processor:
    return structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)


def _sentence(_: WrappedLogger, __: str, event: EventDict) -> str:
    """The line for a person at a terminal."""
    details = ", ".join(f"{name} {event[name]}".removeprefix("sentence ") for name in _SHOWN if event.get(name))
    return f"{event['service']}: {event['event']}{': ' * bool(details)}{details}."


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    return {**event, "trace_id": format(context.trace_id, "032x")} if context.is_valid else event
