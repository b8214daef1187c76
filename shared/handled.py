"""Until when everything that a store announced has been handled: a pending object that is older was not announced."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.errors import TransientError
from shared.logs import get
from shared.times import utc_now

_ANNOUNCED_WITHIN = timedelta(minutes=1)
"""A store announces an object within this time."""
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_log = get(__name__)


@dataclass(frozen=True)
class HandledUntil:
    """A minute ago while no announcement waits; while some do, any of them may be of any pending object."""

    unfinished: Callable[[], int]
    """How many announcements wait for the service."""
    now: Callable[[], datetime] = utc_now

    def __call__(self) -> datetime:
        """The time; the beginning of time where announcements wait, or nobody knows."""
        until = self.now() - _ANNOUNCED_WITHIN
        try:
            return _BEGINNING if self.unfinished() else until
        except TransientError as error:
            _log.warning("findings of this sweep are not counted", sentence=str(error))
            return _BEGINNING
