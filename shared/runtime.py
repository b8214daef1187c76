"""A process: its parts run in parallel, stop together, and log the reason in one line."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from threading import Event, Thread
from typing import Protocol, runtime_checkable

from shared import logs, renewed
from shared.error_location import place_of
from shared.errors import MedullaError, PermanentError, explain
from shared.exit_codes import AT_FAULT, OK, exit_code
from shared.settings import PlatformSettings, load
from shared.stop_signals import end_soon, ended_while_starting, stopped_by_signals, wait_for
from shared.tracing import Tracing

_LAST_SECONDS = 2.0

_log = logs.get(__name__)


@runtime_checkable
class Part(Protocol):
    """Something that works until `stop` is set."""

    def run(self, stop: Event) -> None:
        """Work until `stop` is set, finish what is in flight, return. What it raises stops the process."""


Held = AbstractContextManager[object]
"""Something open as long as the process runs, such as the health server: entered first, left last."""
Build = Callable[[PlatformSettings, ExitStack], Sequence[Part | Held]]
"""Builds the parts of a service; resources to close at exit go on the stack."""


def main(name: str, build: Build) -> int:
    """Read the platform's settings, build the parts and run them; returns the exit code, never a traceback.

    Raises:
        SystemExit: 0, on a signal before the parts run.
    """
    logs.configure(name)
    try:
        platform = renewed.platform(load(PlatformSettings))
        logs.configure(name, platform.log_level)
        with ended_while_starting() as received, ExitStack() as stack:
            parts = build(platform, stack)
            end = _End(OK) if received else _run(name, platform, parts)
    except Exception as error:  # noqa: BLE001 - any error is reported as one line
        _log.error("cannot start", **_explained(error))
        return exit_code(error)
    if end.late:
        end_soon(end.code, _LAST_SECONDS)
    return end.code


def run(name: str, platform: PlatformSettings, *parts: Part | Held, sentences: bool = False) -> int:
    """Run every part in a thread of its own until one fails or ends, or the process gets a signal.

    SIGTERM and SIGINT let the parts finish what is in flight, `drain_timeout_s` at most; a second signal ends the
    process at once. Returns the exit code: 0 stopped by request, 1 a bug or an input at fault, 3 a dependency is down.
    `sentences`: the logs are for a person at a terminal.
    """
    return _run(name, platform, parts, sentences=sentences).code


class _Running:
    """Threads of the parts, and the first error among them."""

    def __init__(self, parts: Sequence[Part], stop: Event) -> None:
        self.stop = stop
        self.error: BaseException | None = None
        self._threads = [Thread(target=self._guard, args=(part,), name=_name(part), daemon=True) for part in parts]
        for thread in self._threads:
            thread.start()

    def _guard(self, part: Part) -> None:
        try:
            part.run(self.stop)
            if not self.stop.is_set():
                _log.info("part ended", part=_name(part))
        except BaseException as error:  # noqa: BLE001 - any error of a part ends the process and is logged
            self._failed(part, error)
        finally:
            self.stop.set()

    def _failed(self, part: Part, error: BaseException) -> None:
        if self.error is None:
            self.error = error
        _log.error("part failed", part=_name(part), **_explained(error))

    def drain(self, timeout_s: float) -> list[str]:
        """Wait for the parts to finish; names of those that did not."""
        until = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        return [thread.name for thread in self._threads if thread.is_alive()]


@dataclass(frozen=True, slots=True)
class _End:
    """How a process ended."""

    code: int
    late: Sequence[str] = ()
    """Parts that did not finish in time."""


def _run(name: str, platform: PlatformSettings, parts: Sequence[Part | Held], *, sentences: bool = False) -> _End:
    logs.configure(name, platform.log_level, sentences=sentences)
    with ExitStack() as stack:
        stack.callback(Tracing(name, platform.otlp_endpoint).close)
        for held in parts:
            if isinstance(held, AbstractContextManager):
                stack.enter_context(held)
        return _run_parts([part for part in parts if isinstance(part, Part)], platform.drain_timeout_s)


def _run_parts(parts: Sequence[Part], drain_timeout_s: float) -> _End:
    stop = Event()
    with stopped_by_signals(stop):
        running = _Running(parts, stop)
        _log.info("started", parts=[_name(part) for part in parts])
        wait_for(stop)
        late = running.drain(drain_timeout_s)
    if late:
        _log.error("parts did not finish in time; their work is done again after the restart", parts=late)
    code = exit_code(running.error) or (AT_FAULT if late else OK)
    _log.info("stopped", exit_code=code)
    return _End(code, late)


def _name(part: object) -> str:
    return type(part).__name__


def _explained(error: BaseException) -> dict[str, object]:
    """Fields of a log line: a sentence for errors raised on purpose, type and places for bugs."""
    if isinstance(error, PermanentError):
        return {"sentence": str(error), "reason": error.reason, "advice": error.advice}
    if isinstance(error, MedullaError | OSError):
        return {"sentence": explain(error)}
    return {"sentence": f"unexpected {type(error).__name__} at {place_of(error)}", "exc_info": error}
