"""Checks that the slide at work is still the one in the bucket: not overwritten, not deleted, its case not erased."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread

from medulla.v1.common_pb2 import Slide

from shared.blob.port import BlobStore, ObjectChangedError
from shared.erased import ErasedCases
from shared.errors import TransientError
from shared.slides.embedded import files, present
from shared.units import CaseId

CHECK_EVERY_S = 5.0
"""How often long work on a slide looks whether the slide still stands."""


def check_stands(store: BlobStore, slide: Slide) -> None:
    """Return if the slide stands in this version; costs one HEAD and one listing of its case.

    Raises:
        ObjectChangedError: a file of it was overwritten or deleted, or its case was erased.
    """
    if change := change_of(store, slide.case_id, {file.key: file.etag for file in files(slide)}):
        raise ObjectChangedError(change, slide.digest)


def change_of(store: BlobStore, case: str, versions: Mapping[str, str]) -> str:
    """What happened to files of a slide, by their etags, as a sentence; empty if nothing did."""
    if ErasedCases(store).holds(case):
        return f"the case of object {next(iter(versions))} was erased while it was worked on"
    there = present(store, CaseId(case))
    for key, etag in versions.items():
        if there.get(key) != etag:
            change = "overwritten" if key in there else "deleted"
            return f"object {key} was {change} while it was worked on"
    return ""


@contextmanager
def ended_if_changed(store: BlobStore, slide: Slide, end: Callable[[], None], every_s: float) -> Iterator[None]:
    """Call `end` from another thread if the slide changes during the block, which then fails in its own way."""
    done = Event()

    def watch() -> None:
        while not done.wait(every_s):
            with suppress(TransientError):
                if change_of(store, slide.case_id, {file.key: file.etag for file in files(slide)}):
                    end()
                    return

    Thread(target=watch, name="standing", daemon=True).start()
    try:
        yield
    finally:
        done.set()


@dataclass
class StandingCheck:
    """`check_stands` for work in steps: at its first call, then at most once in `every_s` seconds."""

    store: BlobStore
    slide: Slide
    every_s: float = CHECK_EVERY_S
    _next: float = field(default=-float("inf"), init=False)

    def __call__(self) -> None:
        """Check if it is time; raises as `check_stands` does."""
        if time.monotonic() >= self._next:
            check_stands(self.store, self.slide)
            self._next = time.monotonic() + self.every_s
