"""Slides that are open for viewers: few at once, the least recently used one is closed for another."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Lock
from typing import Any, Self

from medulla.v1.common_pb2 import Slide

from services.tiler.errors import DamagedRegionError, FetchingError, NoLevelError, TooManyRegionsError
from services.tiler.named_locks import NamedLocks
from services.tiler.slide_view import SlideView, ViewOpener
from shared.errors import MedullaError
from shared.slides.embedded import files
from shared.slides.listing import version

_FETCHES = 2
"""Slides that are fetched to disk at once."""
_PATIENCE_S = 30.0
"""How long a caller waits while another one opens the same slide."""
_HARMLESS = (DamagedRegionError, NoLevelError)
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
        self._fetches: dict[str, Future[SlideView]] = {}
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
            entry.broken = not isinstance(error, _HARMLESS)
            raise
        finally:
            self._leave(name, entry)

    def drop_idle(self) -> None:
        """Close slides that nobody has used for `idle_s`, and forget fetches that failed."""
        until = time.monotonic() - self._idle_s
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
            views += [fetch.result() for fetch in self._fetches.values() if _succeeded(fetch)]
            self._entries.clear()
            self._fetches.clear()
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
            entry = self._enter(name)
            if entry is not None:
                return entry
            self._make_room()
            view = self._fetched(name) if name in self._fetches else self._opener.ranged(slide, described())
            if view is None:
                self._fetches[name] = self._pool.submit(self._opener.local, slide)
                view = self._fetched(name)
            return self._add(name, view)

    def _fetched(self, name: str) -> SlideView:
        """The slide whose files were fetched; a failed fetch is forgotten."""
        fetch = self._fetches[name]
        if not fetch.done():
            raise FetchingError("the slide is being fetched from the object store")
        del self._fetches[name]
        return fetch.result()

    def _make_room(self) -> None:
        with self._lock:
            if len(self._entries) < self._most:
                return
            idle = next((name for name, entry in self._entries.items() if not entry.users), None)
            if idle is None:
                raise TooManyRegionsError(f"{self._most} slides are being viewed, which is all this tiler opens")
            view = self._entries.pop(idle).view
        view.close()

    def _add(self, name: str, view: SlideView) -> _Entry:
        with self._lock:
            entry = self._entries[name] = _Entry(view, users=1)
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


def _succeeded(fetch: "Future[SlideView]") -> bool:
    with suppress(MedullaError, OSError):
        return fetch.done() and not fetch.cancelled() and fetch.exception() is None
    return False
