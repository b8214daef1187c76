"""Ctrl-C while libraries load."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import NoReturn

from shared.exit_codes import STOPPED

_SENTENCE = b"medulla: Stopped before anything began.\n"


@contextmanager
def stoppable() -> Iterator[None]:
    """End the process at once on Ctrl-C: libraries turn a KeyboardInterrupt during their import into other errors."""
    if current_thread() is not main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _stop(*_: object) -> NoReturn:
    os.write(2, _SENTENCE)
    os._exit(STOPPED)
