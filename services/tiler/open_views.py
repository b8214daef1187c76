"""Slides that are open for viewers: few at once, the least recently used one is closed for another."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Self

from medulla.v1.common_pb2 import Slide

from services.tiler.errors import BadRegionError, DamagedRegionError, FetchingError, NoLevelError, TooManyRegionsError
from services.tiler.named_locks import NamedLocks
from services.tiler.slide_view import SlideView, ViewOpener
from shared.slides.embedded import files
from shared.slides.listing import version

_FETCHES = 2
"""Slides that are fetched to disk at once."""
_FETCHING = "the slide is being fetched from the object store"
_PATIENCE_S = 30.0
"""How long a caller waits while another one opens the same slide."""
_HARMLESS = (BadRegionError, DamagedRegionError, NoLevelError)
"""Errors of a region, after which the slide stays open."""


@dataclass
class _Entry:
    """An open slide."""

    view: SlideView
    users: int = 0
    idle_since: float = 0.0
    broken: bool = False


class OpenViews:
    """At most `most` open slides. Safe to use from several threads."""

    def __init__(self, opener: ViewOpener, most: int, idle_s: float) -> None:
        self._opener = opener
        self._most = most
        self._idle_s = idle_s
        self._pool = ThreadPoolExecutor(_FETCHES, "view-fetch")
        self._opening = NamedLocks(_PATIENCE_S)
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._fetches: dict[str, Future[None]] = {}
        self._lock = Lock()

    @contextmanager
    def hold(self, slide: Slide, described: Callable[[], dict[str, Any]]) -> Iterator[SlideView]:
        """An open slide while the context lasts; `described` gives its plan's description.

        Raises:
            FetchingError: its files are being fetched; ask again.
            TooManyRegionsError: all open slides are in use.
            SlideGoneError, SlideError, CrashedWorkerError, TransientError: it cannot be opened or read.
        """
        name = f"{slide.digest} {version(files(slide))}"
        entry = self._enter(name) or self._opened(name, slide, described)
        try:
            yield entry.view
        except BaseException as error:
            entry.broken = entry.broken or not isinstance(error, _HARMLESS)
            raise
        finally:
            self._leave(name, entry)

    def drop_idle(self) -> None:
        """Close slides that nobody has used for `idle_s`, and forget fetches that ended."""
        until = time.monotonic() - self._idle_s
        for name in [name for name, fetch in list(self._fetches.items()) if fetch.done()]:
            self._fetches.pop(name, None)
        with self._lock:
            idle = [name for name, entry in self._entries.items() if not entry.users and entry.idle_since <= until]
            closing = [self._entries.pop(name).view for name in idle]
        for view in closing:
            view.close()

    def close(self) -> None:
        """Close every slide."""
        self._pool.shutdown(cancel_futures=True)
        with self._lock:
            views = [entry.view for entry in self._entries.values()]
            self._entries.clear()
        for view in views:
            view.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _enter(self, name: str) -> _Entry | None:
        with self._lock:
            entry = self._entries.get(name)
            if entry is not None:
                entry.users += 1
                self._entries.move_to_end(name)
            return entry

    def _opened(self, name: str, slide: Slide, described: Callable[[], dict[str, Any]]) -> _Entry:
        """Open a slide, once for all callers that want it now."""
        with self._opening(name):
            entry = self._enter(name) or self._fetched(name)
            if entry is not None:
                return entry
            view = self._opener.ranged(slide, described())
            if view is not None:
                return self._add(name, view, users=1)
            self._fetches[name] = self._pool.submit(self._fetch, name, slide)
            raise FetchingError(_FETCHING)

    def _fetch(self, name: str, slide: Slide) -> None:
        self._add(name, self._opener.local(slide), users=0)

    def _fetched(self, name: str) -> _Entry | None:
        """The slide whose files were fetched; None if they are to be fetched."""
        fetch = self._fetches.get(name)
        if fetch is None:
            return None
        if not fetch.done():
            raise FetchingError(_FETCHING)
        del self._fetches[name]
        fetch.result()
        return self._enter(name)

    def _add(self, name: str, view: SlideView, users: int) -> _Entry:
        """Keep an open slide, in place of the least recently used one where there are too many."""
        entry, evicted = _Entry(view, users, time.monotonic()), None
        with self._lock:
            full = len(self._entries) >= self._most
            idle = next((name for name, kept in self._entries.items() if not kept.users), None)
            if idle is not None and full:
                evicted = self._entries.pop(idle).view
            if not full or evicted:
                self._entries[name] = entry
        if evicted:
            evicted.close()
        elif full:
            view.close()
            raise TooManyRegionsError(f"{self._most} slides are being viewed, which is all this tiler opens")
        return entry

    def _leave(self, name: str, entry: _Entry) -> None:
        with self._lock:
            entry.users -= 1
            entry.idle_since = time.monotonic()
            if entry.broken and self._entries.get(name) is entry:
                del self._entries[name]
            last = entry.users == 0 and self._entries.get(name) is not entry
        if last:
            entry.view.close()
