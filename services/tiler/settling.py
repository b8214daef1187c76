"""Delays work on a slide of several files until no more of them are expected."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from pydantic import Field

from shared.errors import TransientError
from shared.settings import Section
from shared.slides.listing import FoundSlide

_REMEMBERED = 100_000


class UnsettledSlideError(TransientError):
    """More of a slide's files may still come."""


class SeriesSettings(Section):
    """How long a slide of several files, such as a DICOM series, must have been quiet before it is processed."""

    settle_s: float = Field(default=10, ge=0, le=800)
    """If nothing of it is missing."""
    quiet_s: float = Field(default=300, ge=0, le=800)
    """If something of it is missing. Twice this is less than the time for which an event is retried."""


class Settling:
    """Records when this process first saw each file, by its own clock: other clocks may be wrong."""

    def __init__(self, settings: SeriesSettings | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings or SeriesSettings()
        self._clock = clock
        self._first_seen: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._lock = threading.Lock()

    def is_superseded(self, slide: FoundSlide, key: str) -> bool:
        """Whether files came so long after the one at `key` that their events decide.

        Raises:
            UnsettledSlideError: the slide has not been quiet for long enough. The text, which is logged, names no file.
        """
        arrivals = self._since(slide)
        wait = self._settings.quiet_s if slide.missing else self._settings.settle_s
        quiet = self._clock() - max(arrivals.values())
        if quiet >= wait:
            return False
        if max(arrivals.values()) - arrivals.get(key, 0) > self._settings.quiet_s:
            return True
        state = "files of it are missing" if slide.missing else "it is whole"
        raise UnsettledSlideError(f"a slide of several files has been quiet for {quiet:.0f} of {wait:g} s: {state}")

    def _since(self, slide: FoundSlide) -> dict[str, float]:
        with self._lock:
            now = self._clock()
            arrivals = {info.key: self._first_seen.setdefault((info.key, info.etag), now) for info in slide.members}
            while len(self._first_seen) > _REMEMBERED:
                self._first_seen.popitem(last=False)
            return arrivals
