"""Remembers the last good bundle and the last bad promotion, so that a bad one does not stop scoring."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock

from shared import logs, metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.bundle_in_use import BundleInUse
from shared.model.bundle import Bundle
from shared.model.errors import BadBundleError

_RETRY_S = 60.0
"""After which a bad promotion is looked at again: its files may have been repaired."""
_RARELY = 20
"""Times as long as it takes to look, at least, until the next look."""
_log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Refused:
    """A bad promotion, and when it is looked at again: one that takes long to find bad is looked at less often."""

    pointer: BlobInfo
    error: BadBundleError
    wait_s: float
    again_at: float


class LastGood:
    """What a scorer goes on with; safe from several threads."""

    def __init__(self, store: BlobStore, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = Lock()
        self._in_use: BundleInUse | None = None
        self._refused: _Refused | None = None
        self._began = clock()

    @property
    def in_use(self) -> BundleInUse | None:
        """The bundle that this process last scored by; None before the first."""
        return self._in_use

    @property
    def note(self) -> str:
        """Why the promoted bundle is not used; empty where it is."""
        return self._in_use.refused if self._in_use else ""

    def check(self, pointer: BlobInfo) -> None:
        """Refuse a promotion that was found bad a moment ago.

        Raises:
            BadBundleError: as it was then.
        """
        with self._lock:
            now, refused = self._clock(), self._refused
            if refused and refused.pointer == pointer:
                if now < refused.again_at:
                    raise refused.error
                self._refused = replace(refused, again_at=now + refused.wait_s)  # one thread looks, others go on
            self._began = now

    def refuses(self, pointer: BlobInfo) -> bool:
        """Whether a promotion was found bad when it was last looked at."""
        with self._lock:
            return self._refused is not None and self._refused.pointer == pointer

    def remember(self, bundle: Bundle, pointer: BlobInfo) -> None:
        """Note that a promotion is good."""
        self._refused = None
        self._put(BundleInUse(bundle.digest, bundle.manifest.name, pointer.last_modified))

    def instead_of(self, pointer: BlobInfo, error: BadBundleError) -> BundleInUse | None:
        """The bundle to use in place of a bad promotion; None where none was ever good."""
        now = self._clock()
        wait_s = max(_RETRY_S, _RARELY * (now - self._began))
        if self._refused is None or self._refused.error is not error:
            self._refused = _Refused(pointer, error, wait_s, now + wait_s)
        last = self._in_use or BundleInUse.stored(self._store)
        if last is None:
            return None
        in_use = replace(last, refused=f"the promoted bundle cannot be used, and {last.name} stays in use: {error}")
        self._put(in_use)
        return in_use

    def _put(self, in_use: BundleInUse) -> None:
        with self._lock:
            if in_use != self._in_use:
                in_use.put(self._store)
                self._in_use = in_use
                if in_use.refused:
                    _log.warning("promoted bundle not used", sentence=in_use.refused)
            metrics.PROMOTED_BUNDLE_REFUSED.set(bool(in_use.refused))
