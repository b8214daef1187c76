"""Waits for conditions, with a deadline."""

import time
from collections.abc import Callable
from threading import Event

PATIENCE_S = 60.0
"""How long a test waits for something that normally takes milliseconds."""


def wait_for(condition: Callable[[], object], seconds: float, pause_s: float = 0.05) -> bool:
    """Whether the condition came true within that time; it is checked every `pause_s`, and at least once."""
    end, pause = time.monotonic() + seconds, Event()
    while not condition():
        if time.monotonic() > end:
            return False
        pause.wait(pause_s)
    return True


def eventually(condition: Callable[[], object]) -> None:
    """Wait until the condition holds; fails after PATIENCE_S."""
    assert wait_for(condition, PATIENCE_S, 0.02), "it never came true"
