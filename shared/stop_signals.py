"""SIGTERM and SIGINT end a service in good order from its first line on: while it is imported, built and at work."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread, Timer, current_thread, main_thread
from types import FrameType
from typing import NoReturn, TypeAlias

_NUMBERS = (signal.SIGTERM, signal.SIGINT)
_CLOSING_S = 10.0
"""How long what was opened may take to close after a signal at the start."""
_WAIT_S = 0.5
_Handler: TypeAlias = Callable[[int, FrameType | None], object] | int | None
_DEFAULTS: Mapping[signal.Signals, _Handler] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}
_ours: set[_Handler] = set()
"""Handlers of this module, which are not what handled signals before."""


def end_at_once() -> None:
    """End the process with 0 on a signal, while it is imported and holds nothing: the first line of a service.

    Signals that its launcher blocked while the interpreter started take effect now.
    """
    _handle(_end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _NUMBERS)


@contextmanager
def ended_while_starting() -> Iterator[list[int]]:
    """Raise SystemExit(0) within the block on a signal, so that what is open is closed, until other handlers are set.

    The list holds the signal then, too: a library may have caught the error.
    """
    received: list[int] = []
    if current_thread() is not main_thread():
        yield received
        return
    before = {number: _before(number) for number in _NUMBERS}

    def on_signal(number: int, _: FrameType | None) -> NoReturn:
        _restore(before)
        received.append(number)
        end_soon(0, _CLOSING_S)
        raise SystemExit(0)

    _handle(on_signal)
    try:
        yield received
    finally:
        _restore(before)


@contextmanager
def stopped_by_signals(stop: Event) -> Iterator[None]:
    """Set `stop` on the first signal, then leave signals to what handled them before the program started."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: _before(number) for number in _NUMBERS}

    def on_signal(number: int, _: FrameType | None) -> None:
        _restore(before)
        Thread(target=stop.set, name=f"signal-{number}").start()  # the main thread may hold the event's lock here

    _handle(on_signal)
    try:
        yield
    finally:
        _restore(before)


def wait_for(stop: Event) -> None:
    """Wait in the main thread until `stop` is set, in short waits.

    Python runs the handler of a signal in the main thread alone. One that arrives just before a wait without end, or
    in another thread, would be handled only after it: never.
    """
    while not stop.wait(_WAIT_S):
        pass


def end_soon(code: int, seconds: float) -> None:
    """End the process by then although threads still hang: the interpreter would wait for pool threads for ever."""
    end = Timer(seconds, os._exit, (code,))
    end.daemon = True
    end.start()


def _end(_: int, __: FrameType | None) -> NoReturn:
    os._exit(0)


def _handle(handler: Callable[[int, FrameType | None], object]) -> None:
    _ours.add(handler)
    for number in _NUMBERS:
        signal.signal(number, handler)


def _before(number: signal.Signals) -> _Handler:
    handler = signal.getsignal(number)
    return _DEFAULTS[number] if handler in _ours else handler


def _restore(handlers: Mapping[signal.Signals, _Handler]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
