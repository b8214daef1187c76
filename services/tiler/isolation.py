"""Opens every slide in a child process of its own, under limits of time and memory."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.tiler.isolated_reader import IsolatedReader, ReaderLimits
from services.tiler.ports import SlideReader
from services.tiler.reader_processes import OPENER, ReaderHost
from services.tiler.resolution import Override


@dataclass(frozen=True)
class IsolatedReaders:
    """Opens slides in child processes of `host`."""

    host: ReaderHost
    limits: ReaderLimits
    whole_s: float = math.inf
    """How long a slide may stay open; without end where those who read it decide, as in a stream."""

    def __call__(self, path: Path, override: Override = Override()) -> SlideReader:  # noqa: B008 - frozen
        """Open a slide.

        Raises:
            SlideError: what the reader in the child says of the file.
            CrashedWorkerError: it died, took too long or too much memory.
        """
        return IsolatedReader(self.host.fork(), self.limits, self.whole_s, (path, override))

    @property
    def for_plans(self) -> "IsolatedReaders":
        """The same for slides that are planned: from opening to closing within `plan_s`."""
        return replace(self, whole_s=self.limits.plan_s)


@contextmanager
def isolated_readers(
    limits: ReaderLimits = ReaderLimits(),  # noqa: B008 - frozen
    opener: str = OPENER,
) -> Iterator[IsolatedReaders]:
    """Start what opens slides in child processes, and end all of it."""
    with ReaderHost(opener) as host:
        yield IsolatedReaders(host, limits)
