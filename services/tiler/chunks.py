"""The pixels of a plan, chunk by chunk, decoded at most one chunk ahead of the caller."""

import re
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Self

import numpy as np
from medulla.v1.common_pb2 import Plan, Slide
from numpy.typing import NDArray

from services.tiler import messages
from services.tiler.errors import BadStreamRequestError
from services.tiler.plan_store import PlannedTiles, PlanStore
from services.tiler.ports import Cut, Origins, Rgb, SlideFiles, Tiles
from services.tiler.ranged_stream import ArrivingSlide, RangedStreams, TileReader
from services.tiler.readers import OpenSlide, open_slide
from services.tiler.resolution import Override
from shared import file_names, keys, metrics
from shared.blob.port import ObjectChangedError
from shared.slides.standing import CHECK_EVERY_S, StandingCheck
from shared.units import Sha256

_DIGEST = re.compile(r"[0-9a-f]{64}")
_AT_ONCE = 20
"""Tiles of one task of a thread: as many as the slide's process reads in one request. Threads take tasks in the plan's
order, so that all of them read near one place of the slide, and find what their neighbours decoded."""


@dataclass(frozen=True, eq=False, slots=True)
class DecodedChunk:
    """A chunk of a plan's tiles."""

    index: int
    pixels: Rgb
    """uint8 [n, px, px, 3]: tiles that decode."""
    tiles: NDArray[np.int32]
    """[n] their positions in the plan, ascending."""
    corrupt: NDArray[np.int32]
    """Positions of tiles that do not decode, ascending."""

    @classmethod
    def of(cls, index: int, start: int, pixels: Rgb, corrupt: NDArray[np.bool_]) -> Self:
        """Of tiles of which the first is tile `start` of the plan."""
        if corrupt.any():
            metrics.TILES.labels("corrupt").inc(int(corrupt.sum()))
            pixels = pixels[~corrupt]
        positions = np.arange(start, start + len(corrupt), dtype=np.int32)
        return cls(index, pixels, positions[~corrupt], positions[corrupt])


@dataclass(frozen=True, eq=False, slots=True)
class _Decoding:
    """A chunk that threads are writing."""

    pixels: Rgb
    tasks: list[Future[Tiles]]

    def corrupt(self) -> NDArray[np.bool_]:
        """Wait for all tiles; which do not decode."""
        return np.concatenate([task.result().corrupt for task in self.tasks])


@dataclass(frozen=True)
class StreamChunks:
    """Streams a planned slide's tiles; several threads decode a chunk while the previous one is sent."""

    files: SlideFiles
    plans: PlanStore
    pool: Executor
    open_slide: OpenSlide = open_slide
    check_every_s: float = CHECK_EVERY_S
    """How often a stream looks whether its slide still stands."""
    ranged: RangedStreams | None = None
    """Streams slides while they arrive, where their format allows it and they are not on disk."""

    def __call__(self, slide: Slide, plan: Plan, first_chunk: int = 0) -> Iterator[DecodedChunk]:
        """Chunks from `first_chunk` on, in order; at most two are in memory.

        Raises:
            BadStreamRequestError: the request names no slide, plan or chunk.
            UnknownPlanError: there is no such plan.
            ObjectChangedError: the slide is no longer the one that was planned, or its case was erased.
        """
        planned = self._planned(slide, plan, first_chunk)
        check = StandingCheck(self.plans.blobs, slide, self.check_every_s)
        check()
        with self._arriving(slide, plan) as arriving:
            if arriving is not None:
                yield from self._proven(arriving, planned, first_chunk, check)
                return
        with self.files.hold(messages.files_of(slide)) as local:
            if local.digest != slide.digest:
                raise ObjectChangedError(f"the bytes of {slide.object.key} are not those that were planned")
            with self.open_slide(local.path, Override()) as reader:
                yield from self._chunks(reader, planned, first_chunk, check)

    def _proven(
        self, arriving: ArrivingSlide, planned: PlannedTiles, first: int, check: Callable[[], None]
    ) -> Iterator[DecodedChunk]:
        """Chunks, the last one only when all bytes have proven to be those that were planned."""
        with closing(self._chunks(arriving, planned, first, check)) as chunks:
            for chunk in chunks:
                if chunk.index == planned.chunks - 1:
                    arriving.prove(check, self.check_every_s)
                yield chunk

    def _arriving(self, slide: Slide, plan: Plan) -> AbstractContextManager[ArrivingSlide | None]:
        if self.ranged is None or self.files.has(messages.files_of(slide)):
            return nullcontext()
        return self.ranged.open(slide, Sha256(plan.digest))

    def _planned(self, slide: Slide, plan: Plan, first_chunk: int) -> PlannedTiles:
        check_names(slide, plan)
        planned = self.plans.tiles(Sha256(slide.digest), Sha256(plan.digest))
        if not 0 <= first_chunk <= planned.chunks:
            raise BadStreamRequestError(f"chunk {first_chunk} is not among the plan's {planned.chunks}")
        return planned

    def _chunks(
        self, reader: TileReader, planned: PlannedTiles, first: int, check: Callable[[], None]
    ) -> Generator[DecodedChunk, None, None]:
        under_way: deque[_Decoding] = deque()
        try:
            for index in range(first, planned.chunks):
                ahead = range(index + len(under_way), min(index + 2, planned.chunks))
                under_way.extend(self._submit(reader, planned, chunk) for chunk in ahead)
                corrupt, pixels = under_way[0].corrupt(), under_way[0].pixels
                under_way.popleft()
                check()
                yield DecodedChunk.of(index, index * planned.tiles_per_chunk, pixels, corrupt)
        finally:
            _abandon([task for chunk in under_way for task in chunk.tasks])

    def _submit(self, reader: TileReader, planned: PlannedTiles, index: int) -> _Decoding:
        coords = planned.coords[index * planned.tiles_per_chunk :][: planned.tiles_per_chunk]
        pixels = np.empty((len(coords), planned.cut.px, planned.cut.px, 3), np.uint8)
        batches = [slice(start, start + _AT_ONCE) for start in range(0, len(coords), _AT_ONCE)]
        tasks = [self.pool.submit(_timed_read, reader, coords[each], planned.cut, pixels[each]) for each in batches]
        return _Decoding(pixels, tasks)


def check_names(slide: Slide, plan: Plan) -> None:
    """Raise BadStreamRequestError unless a request names a slide and a plan."""
    if not (_DIGEST.fullmatch(slide.digest) and _DIGEST.fullmatch(plan.digest)):
        raise BadStreamRequestError("slide and plan are named by digests of 64 hex characters")
    outside = [file.key for file in messages.files_of(slide) if not file.key.startswith(keys.SLIDES)]
    if outside or file_names.is_no_slide(slide.object.key):
        raise BadStreamRequestError(f"object {(*outside, slide.object.key)[0]!r} is no slide")


def _abandon(futures: list[Future[Tiles]]) -> None:
    """Wait until no thread reads, so that the reader can be closed."""
    for future in futures:
        future.cancel()
    wait(futures)


def _timed_read(reader: TileReader, origins: Origins, cut: Cut, out: Rgb) -> Tiles:
    with metrics.TILE_DECODE_SECONDS.time():
        return reader.read_tiles(origins, cut, out)
