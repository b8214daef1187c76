"""Opens every slide in a child process of its own, under limits of time and memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.tiler import range_channel
from services.tiler.bucket_bytes import Ranges
from services.tiler.isolated_reader import IsolatedReader, Opening, ReaderLimits, WholeLimit
from services.tiler.ports import SlideReader
from services.tiler.ranged_slide import RangedSlide
from services.tiler.reader_processes import OPENER, ReaderHost
from services.tiler.resolution import Override
from shared import turns
from shared.errors import UnfinishedError


@dataclass(frozen=True)
class IsolatedReaders:
    """Opens slides in child processes of `host`."""

    host: ReaderHost
    limits: ReaderLimits
    planning: bool = False
    """Whether slides are opened to be planned, which is limited as a whole."""

    def __call__(self, path: Path, override: Override = Override()) -> SlideReader:  # noqa: B008 - frozen
        """Open a slide.

        Raises:
            SlideError: the reader in the child refuses the file.
            CrashedWorkerError: the child crashed or exceeded its time or memory.
            UnfinishedError: the first turn of its plan is over.
        """
        return IsolatedReader(self.host.fork(), self.limits, self._whole(), Opening.of(path, override))

    def ranged(self, slide: RangedSlide, files: Ranges) -> SlideReader:
        """Open a slide whose bytes come from the bucket as they are needed.

        Raises:
            SlideError, CrashedWorkerError: as above.
            OSError: the store does not give the bytes; `files.failure` says why.
        """
        ends = range_channel.serve(files)
        try:
            opening = Opening({"ranged": slide.as_message()}, [end.fileno() for end in ends])
            return IsolatedReader(self.host.fork(), self.limits, WholeLimit(), opening)
        finally:
            for end in ends:
                end.close()

    @property
    def for_plans(self) -> "IsolatedReaders":
        """Open slides for planning: from opening to closing within `first_turn_s`, in later turns within `plan_s`."""
        return replace(self, planning=True)

    def _whole(self) -> WholeLimit:
        if not self.planning:
            return WholeLimit()
        turn, limits = turns.current(), self.limits
        if turn is not None and turn.number == 0 and limits.first_turn_s < limits.plan_s:
            return WholeLimit(limits.first_turn_s, UnfinishedError)
        return WholeLimit(limits.plan_s)


@contextmanager
def isolated_readers(
    limits: ReaderLimits = ReaderLimits(),  # noqa: B008 - frozen
    opener: str = OPENER,
) -> Iterator[IsolatedReaders]:
    """Start the host of child processes; end them all on exit."""
    with ReaderHost(opener) as host:
        yield IsolatedReaders(host, limits)
