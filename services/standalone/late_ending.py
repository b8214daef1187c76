"""Ends the process some seconds after Ctrl-C, although threads are still at work on a slide."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Timer, current_thread, main_thread
from types import FrameType
from typing import NoReturn

_UNWIND_S = 3.0
"""How long the work in flight may take to end by itself; every file is written whole or not at all."""


@dataclass
class LateEnding:
    """Says once that the command was stopped, and ends the process."""

    tell: Callable[[], None]
    code: int
    _lock: Lock = field(default_factory=Lock)
    _said: bool = False

    def say(self) -> None:
        """Say it unless it was said."""
        with self._lock:
            said, self._said = self._said, True
        if not said:
            self.tell()

    @contextmanager
    def after_ctrl_c(self) -> Iterator[None]:
        """Have Ctrl-C end the process, by KeyboardInterrupt or, where that takes too long, at once."""
        if current_thread() is not main_thread():
            yield
            return
        before = signal.signal(signal.SIGINT, self._on_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _on_signal(self, _: int, __: FrameType | None) -> NoReturn:
        late = Timer(_UNWIND_S, self._end)
        late.daemon = True
        late.start()
        raise KeyboardInterrupt

    def _end(self) -> None:
        self.say()
        os._exit(self.code)
