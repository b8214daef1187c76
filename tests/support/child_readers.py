"""Slide openers for child processes in tests: without shortcuts, or misbehaving by file name."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from threading import Event, get_ident
from typing import Any, Self

import numpy as np

from services.tiler import errors, openslide_reader, readers
from services.tiler.errors import SlideError, UnreadableSlideError
from services.tiler.ports import Cut, Layout, Mask, Origins, Overview, Region, Rgb, SlideFacts, SlideReader, Tiles
from services.tiler.resolution import Override
from shared.units import MicronsPerPx


def open_through_openslide(path: Path, override: Override) -> SlideReader:
    """Open a slide without reading stored tiles straight from its file."""
    openslide_reader._direct = lambda *_: None
    return readers.open_slide(path, override)


def open_hostile(path: Path, override: Override) -> SlideReader:
    """Open a slide; a file named `when--what.svs` does `what` at `when`, such as `tiles--abort.svs`."""
    when, _, what = path.stem.partition("--")
    if when == "open":
        _misbehave(what)
    return _Hostile(readers.open_slide(path, override), when, what)


class _Hostile:
    """A reader that misbehaves in one of its methods."""

    def __init__(self, reader: SlideReader, when: str, what: str) -> None:
        self._reader = reader
        self._when = when
        self._what = what

    def describe(self) -> SlideFacts:
        self._now("describe")
        return self._reader.describe()

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        self._now("tiles")
        return self._reader.read_tiles(origins, cut, out)

    def find_damaged(self, origins: Origins, cut: Cut) -> Mask:
        self._now("damaged")
        return self._reader.find_damaged(origins, cut)

    def read_overview(self, um_per_px: MicronsPerPx) -> Overview:
        self._now("overview")
        return self._reader.read_overview(um_per_px)

    def layout(self) -> Layout:
        self._now("layout")
        return self._reader.layout()

    def read_region(self, region: Region) -> bytes:
        self._now("region")
        return self._reader.read_region(region)

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _now(self, what: str) -> None:
        if self._when == what:
            _misbehave(self._what)


def _misbehave(how: str) -> None:
    if how.startswith("refuse-"):
        _refuse(how.removeprefix("refuse-"))
    _ACTS[how]()


def _refuse(name: str) -> None:
    kind: type[SlideError] = getattr(errors, name)
    raise kind(f"refused as {kind.reason}: “é”")


def _raise(error: BaseException) -> None:
    raise error


def _babble() -> None:
    """Write invalid messages into every socket of the process."""
    for link in Path("/proc/self/fd").iterdir():
        if link.is_symlink() and str(link.readlink()).startswith("socket:"):
            os.write(int(link.name), b"\xff" * 64)
    Event().wait()


def _name_environment() -> None:
    raise UnreadableSlideError(" ".join(sorted(os.environ)))


def _write() -> None:
    (Path("/tmp") / f"written-{os.getpid()}").write_bytes(b"x")  # noqa: S108 - it must not be possible


_ACTS: dict[str, Callable[[], Any]] = {
    "abort": os.abort,
    "segfault": lambda: signal.pthread_kill(get_ident(), signal.SIGSEGV),
    "exit": lambda: os._exit(7),
    "sleep": lambda: Event().wait(),
    "allocate": lambda: np.ones(8 << 30, np.uint8),
    "bug": lambda: _raise(ValueError("a patient's name")),
    "recursion": lambda: _raise(RecursionError("a patient's name")),
    "babble": _babble,
    "environment": _name_environment,
    "write": _write,
}
