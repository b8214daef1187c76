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
    """How long a slide may stay open; unlimited where the caller decides, as in a stream."""

    def __call__(self, path: Path, override: Override = Override()) -> SlideReader:  # noqa: B008 - frozen
        """Open a slide.

        Raises:
            SlideError: the reader in the child refuses the file.
            CrashedWorkerError: the child crashed or exceeded its time or memory.
        """
        return IsolatedReader(self.host.fork(), self.limits, self.whole_s, (path, override))

    @property
    def for_plans(self) -> "IsolatedReaders":
        """Open a slide for planning: from opening to closing within `plan_s`."""
        return replace(self, whole_s=self.limits.plan_s)


@contextmanager
def isolated_readers(
    limits: ReaderLimits = ReaderLimits(),  # noqa: B008 - frozen
    opener: str = OPENER,
) -> Iterator[IsolatedReaders]:
    """Start the host of child processes; end them all on exit."""
    with ReaderHost(opener) as host:
        yield IsolatedReaders(host, limits)
