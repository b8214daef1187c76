"""Identifies one run of a program in marks in the bucket, and tells whether it has ended."""

import os
import platform
from dataclasses import dataclass
from secrets import token_hex

BEAT_S = 10.0
SILENT_S = 30.0
"""A process that has not refreshed its mark for this long is dead; a consumer group evicts a silent member later."""


@dataclass(frozen=True, slots=True)
class Process:
    """One run of a program."""

    host: str
    pid: int
    token: str

    @classmethod
    def here(cls) -> "Process":
        """The current process."""
        return cls(platform.node(), os.getpid(), token_hex(8))

    def is_gone(self, here: "Process") -> bool:
        """Whether it has certainly ended: it ran on this host and its pid is unused or belongs to this process."""
        return self.host == here.host and (self.pid == here.pid or not _runs(self.pid))

    def is_alive(self, beat: float, here: "Process", now: float) -> bool:
        """Whether it can still be at work; `beat` and `now` in Unix seconds."""
        return beat > now - SILENT_S and not self.is_gone(here)


def _runs(pid: int) -> bool:
    """Whether a process runs on this machine, as far as that can be known."""
    if os.name != "posix":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
