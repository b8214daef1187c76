"""Ends the process some seconds after Ctrl-C, even if threads are still at work on a slide."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Timer, current_thread, main_thread
from types import FrameType
from typing import NoReturn

_UNWIND_S = 3.0
"""Time for the work in flight to end by itself; every file is written whole or not at all."""


@dataclass
class LateEnding:
    """Announces once that the command was stopped, and ends the process."""

    print_stopped: Callable[[], None]
    code: int
    _lock: Lock = field(default_factory=Lock)
    _announced: bool = False

    def announce(self) -> None:
        """Announce the stop, if that was not done before."""
        with self._lock:
            announced, self._announced = self._announced, True
        if not announced:
            self.print_stopped()

    @contextmanager
    def after_ctrl_c(self) -> Iterator[None]:
        """Have Ctrl-C end the process, by KeyboardInterrupt or, where that takes too long, at once."""
        if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, self._on_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _on_signal(self, _: int, __: FrameType | None) -> NoReturn:
        timer = Timer(_UNWIND_S, self._end)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    def _end(self) -> None:
        self.announce()
        os._exit(self.code)
