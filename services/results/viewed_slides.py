"""Slides by their digest, as long as they stand in the bucket and no case that holds them was erased."""

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from medulla.v1.common_pb2 import Plan, Slide

from services.results.errors import UnknownSlideError
from shared.blob.port import BlobStore
from shared.erased import ErasedCases
from shared.slides.embedded import cases_of, embedded, is_current, of_its_key, present
from shared.slides.standing import CHECK_EVERY_S
from shared.units import CaseId

_CASES = 20
"""Most cases that are searched for a slide."""
_REMEMBERED = 200


@dataclass(frozen=True, slots=True)
class ViewedSlide:
    """A slide that stands, and a plan of it."""

    slide: Slide
    plan: Plan


@dataclass
class ViewedSlides:
    """Finds slides; what was found holds for `every_s` seconds. Safe to use from several threads."""

    blobs: BlobStore
    every_s: float = CHECK_EVERY_S
    _known: OrderedDict[str, tuple[float, ViewedSlide]] = field(default_factory=OrderedDict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def find(self, digest: str) -> ViewedSlide:
        """The slide of a digest.

        Raises:
            UnknownSlideError: no such slide stands.
        """
        now = time.monotonic()
        with self._lock:
            until, known = self._known.get(digest, (0.0, None))
        if known is not None and now < until:
            return known
        viewed = self._look(digest)
        with self._lock:
            self._known[digest] = (now + self.every_s, viewed)
            self._known.move_to_end(digest)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return viewed

    def _look(self, digest: str) -> ViewedSlide:
        for case in islice(cases_of(self.blobs, digest), _CASES):
            viewed = self._of_case(case, digest)
            if viewed is not None:
                return viewed
        raise UnknownSlideError("no such slide stands in the bucket")

    def _of_case(self, case: CaseId, digest: str) -> ViewedSlide | None:
        events = [event for event in embedded(self.blobs, case) if event.slide.digest == digest]
        if not events or ErasedCases(self.blobs).holds(case):
            return None
        etags = present(self.blobs, case)
        standing = (event for event in events if of_its_key(event.slide) and is_current(event.slide, etags))
        return next((ViewedSlide(event.slide, event.plan) for event in standing), None)
