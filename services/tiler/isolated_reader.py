"""Reads slides in child processes with limits of time and memory.

Damaged or hostile files make image decoders crash, hang or exhaust memory; the isolation limits that to one slide.
"""

import math
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from time import monotonic
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.tiler import reader_wire as wire
from services.tiler.errors import SlideError
from services.tiler.limits import MAX_REGION_BYTES
from services.tiler.ports import Cut, Layout, Mask, Origins, Overview, Region, Rgb, SlideFacts, Tiles
from services.tiler.reader_channel import Arrays, ReaderChannel, Target
from services.tiler.reader_processes import ReaderChild, StoppingError
from services.tiler.resolution import Override
from shared.errors import CrashedWorkerError, InternalError, MedullaError, UnfinishedError
from shared.units import MicronsPerPx

_FACTS = TypeAdapter(SlideFacts)
_LAYOUT = TypeAdapter(Layout)
_CHANNELS = 3
_AT_ONCE = 20
"""Tiles checked for damage in one request."""
_NONSENSE = "the process that reads the slide gave an invalid answer"
Shapes = Sequence[tuple[int, ...]]
_Failure = CrashedWorkerError | UnfinishedError | StoppingError


def _none(_: Shapes) -> Arrays:
    """No arrays are expected."""
    return ()


class ReaderLimits(BaseModel):
    """Limits of reading one slide; beyond them the slide's process is killed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    memory_mb: int = Field(default=2048, ge=512)
    """Private memory of the slide's process; counted on Linux only."""
    overview_s: float = Field(default=600, gt=0)
    """For opening a slide, for describing it, and for its overview."""
    tiles_s: float = Field(default=60, gt=0)
    """For about twenty tiles."""
    first_turn_s: float = Field(default=60, gt=0)
    """For a slide from opening to its plan, before slides that wait are planned first."""
    plan_s: float = Field(default=1800, gt=0)
    """The same when its turn comes again."""


@dataclass(frozen=True, slots=True)
class WholeLimit:
    """How long a slide may stay open; without end where those who read it decide, as in a stream."""

    seconds: float = math.inf
    error: type[CrashedWorkerError | UnfinishedError] = CrashedWorkerError


@dataclass(frozen=True, slots=True)
class Opening:
    """What a child is asked to open: a request, and descriptors that go with it."""

    request: wire.Message
    files: Sequence[int] = ()
    path: Path | None = None
    """The slide, where it is a file."""

    @classmethod
    def of(cls, path: Path, override: Override) -> Self:
        """A file, or the folder of a series."""
        return cls({"path": os.fspath(path), "override": asdict(override)}, path=path)


class IsolatedReader:
    """One open slide. Threads that read at once each have a channel to the child, which has a thread for each."""

    def __init__(self, child: ReaderChild, limits: ReaderLimits, whole: WholeLimit, opening: Opening) -> None:
        self._child = child
        self._limits = limits
        self._whole = whole
        self._end_at = monotonic() + whole.seconds
        self._channels: SimpleQueue[ReaderChannel] = SimpleQueue()
        self._lock = Lock()
        self._failure: _Failure | None = None
        self._facts: SlideFacts | None = None
        try:
            self._open(opening)
        except BaseException:
            self.close()
            raise

    def describe(self) -> SlideFacts:
        """Describe the slide; raises NoResolutionError or ImplausibleResolutionError."""
        if self._facts is None:
            answer = self._ask({"op": "describe"}, self._limits.overview_s)
            with self._guarded(self._limits.overview_s):
                self._facts = _FACTS.validate_python(answer["facts"])
        return self._facts

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        """Read tiles as their preprocessing has it, into `out` if given; damaged ones are marked."""
        count = len(origins)
        pixels = np.empty((count, cut.px, cut.px, _CHANNELS), np.uint8) if out is None else out
        tiles = Tiles(pixels, np.empty(count, np.bool_))
        step = max(1, wire.BUFFER_BYTES // (cut.px**2 * _CHANNELS + 1))
        for start in range(0, count, step):
            batch = slice(start, start + step)
            request = _tiles("tiles", origins[batch], cut)
            self._ask(request, self._limits.tiles_s, _exactly(tiles.pixels[batch], tiles.corrupt[batch]))
        return tiles

    def find_damaged(self, origins: Origins, cut: Cut) -> Mask:
        """Which tiles `read_tiles` would mark."""
        damaged = np.empty(len(origins), np.bool_)
        for start in range(0, len(origins), _AT_ONCE):
            batch = slice(start, start + _AT_ONCE)
            self._ask(_tiles("damaged", origins[batch], cut), self._limits.tiles_s, _exactly(damaged[batch]))
        return damaged

    def read_overview(self, um_per_px: MicronsPerPx) -> Overview:
        """Read the whole slide at `um_per_px`."""
        arrays: list[NDArray[Any]] = []

        def target(shapes: Shapes) -> Arrays:
            arrays.extend(self._overview(shapes))
            return arrays

        self._ask({"op": "overview", "um_per_px": float(um_per_px)}, self._limits.overview_s, target)
        return Overview(*arrays)

    def layout(self) -> Layout:
        """Size of the slide, and of the tiles that it stores."""
        answer = self._ask({"op": "layout"}, self._limits.tiles_s)
        with self._guarded(self._limits.tiles_s):
            return _LAYOUT.validate_python(answer["layout"])

    def read_region(self, region: Region) -> bytes:
        """One rectangle as a JPEG file; raises DamagedRegionError or NoLevelError."""
        arrays: list[NDArray[Any]] = []

        def target(shapes: Shapes) -> Arrays:
            arrays.extend(_one_file(shapes))
            return arrays

        self._ask({"op": "region", "region": asdict(region)}, self._limits.tiles_s, target)
        return arrays[0].tobytes()

    def close(self) -> None:
        """End the child."""
        self._child.release()
        with suppress(Empty):
            while True:
                self._channels.get_nowait().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _open(self, opening: Opening) -> None:
        request = {**opening.request, "memory_mb": self._limits.memory_mb}
        with self._guarded(self._limits.overview_s) as until:
            setup_socket = self._child.setup_socket
            setup_socket.settimeout(until - monotonic())
            wire.send(setup_socket, request, opening.files)
            answer = wire.receive(setup_socket)
        self._check(answer, opening.path)

    def _ask(self, request: wire.Message, limit_s: float, target: Target = _none) -> wire.Message:
        with self._guarded(limit_s) as until:
            channel = self._acquire_channel()
            try:
                answer = channel.ask(request, until, target)
            except BaseException:
                channel.close()
                raise
            self._channels.put(channel)
        self._check(answer)
        return answer

    def _acquire_channel(self) -> ReaderChannel:
        try:
            return self._channels.get_nowait()
        except Empty:
            with self._lock:
                return ReaderChannel.through(self._child.setup_socket)

    def _overview(self, shapes: Shapes) -> Arrays:
        """Arrays for an overview, if its shapes are those of one."""
        pixels, readable = shapes
        if len(readable) != 2 or pixels != (*readable, _CHANNELS) or min(readable) < 1:
            raise ValueError(shapes)
        if math.prod(pixels) > self._limits.memory_mb * 2**20:
            raise ValueError(shapes)
        return np.empty(pixels, np.uint8), np.empty(readable, np.bool_)

    def _check(self, answer: wire.Message, path: Path | None = None) -> None:
        """Raise the error that an answer carries."""
        if "refused" in answer:
            raise self._refusal(answer)
        if "errno" in answer:
            raise OSError(answer["errno"], answer["sentence"], path and str(path))
        if "out_of_memory" in answer:
            raise self._failed(f"reading the slide asked for more than {self._limits.memory_mb} MB of memory")
        if "bug" in answer:
            raise InternalError(f"reading the slide ended with an unexpected {answer['bug']}")

    def _refusal(self, answer: wire.Message) -> MedullaError:
        try:
            return {kind.__name__: kind for kind in _kinds(SlideError)}[answer["refused"]](answer["sentence"])
        except (KeyError, TypeError):
            return self._failed(_NONSENSE)

    @contextmanager
    def _guarded(self, limit_s: float) -> Iterator[float]:
        """Limit the block to `limit_s`; yields its deadline.

        Raises:
            CrashedWorkerError: the child failed.
            UnfinishedError: the turn of the work is over.
            StoppingError: this process ends.
        """
        until = monotonic() + limit_s
        try:
            yield min(until, self._end_at)
        except TimeoutError as error:
            sentence = "reading the slide took longer than"
            if until < self._end_at:
                raise self._failed(f"{sentence} {limit_s:g} s") from error
            raise self._failed(f"{sentence} {self._whole.seconds:g} s in all", self._whole.error) from error
        except (wire.LostError, OSError) as error:
            raise self._failed() from error
        except (ValueError, TypeError, KeyError) as error:
            raise self._failed(_NONSENSE) from error

    def _failed(
        self, sentence: str = "", kind: type[CrashedWorkerError | UnfinishedError] = CrashedWorkerError
    ) -> _Failure:
        """End the child; the first reason counts for all threads."""
        with self._lock:
            if self._failure is None and self._child.is_stopping:
                self._failure = StoppingError()
            if self._failure is None:
                self._failure = kind(sentence or f"reading the slide {_how(self._child.end())}")
        self._child.end()
        return self._failure


def _tiles(operation: str, origins: Origins, cut: Cut) -> wire.Message:
    how = [int(cut.width_px), int(cut.height_px), int(cut.px), cut.preprocessing]
    return {"op": operation, "origins": origins.tolist(), "cut": how}


def _one_file(shapes: Shapes) -> Arrays:
    """An array for a file of bounded size."""
    ((size,),) = shapes
    if not 0 < size <= MAX_REGION_BYTES:
        raise ValueError(shapes)
    return (np.empty(size, np.uint8),)


def _kinds(root: type[SlideError]) -> Iterator[type[SlideError]]:
    """All classes of a tree of errors."""
    for kind in root.__subclasses__():
        yield kind
        yield from _kinds(kind)


def _exactly(*arrays: NDArray[Any]) -> Target:
    """A target that fills these arrays and requires their shapes."""

    def target(shapes: Shapes) -> Arrays:
        if list(shapes) != [array.shape for array in arrays]:
            raise ValueError(shapes)
        return arrays

    return target


def _how(status: int) -> str:
    """How a child ended, in words, from a status of `os.waitpid`."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        return f"killed its process (signal {number}, {signal.Signals(number).name})"
    return f"ended its process (exit code {os.waitstatus_to_exitcode(status)})"
