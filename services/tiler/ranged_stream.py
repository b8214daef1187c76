"""A planned slide whose tiles are read while its bytes arrive from the bucket; its digest is proven at the end."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol

from medulla.v1.common_pb2 import Slide

from services.tiler import messages
from services.tiler.arriving_bytes import ArrivingBytes
from services.tiler.block_bytes import STREAM_BLOCK
from services.tiler.bucket_bytes import TooScatteredError, cause_of
from services.tiler.errors import SlideError
from services.tiler.isolation import IsolatedReaders
from services.tiler.plan_store import PlanStore
from services.tiler.ports import STORED_TILES, Cut, Origins, Rgb, SlideReader, Tiles
from services.tiler.ranged_slide import RangedSlide
from shared.blob.port import BlobStore, ObjectChangedError
from shared.errors import MedullaError
from shared.units import Sha256


class TileReader(Protocol):
    """What a stream needs of an open slide."""

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        """Read tiles, into `out` if given; a tile that fails to decode is marked."""


@dataclass(frozen=True)
class ArrivingSlide:
    """An open slide of which bytes are still to come."""

    reader: SlideReader
    source: ArrivingBytes
    digest: str

    def read_tiles(self, origins: Origins, cut: Cut, out: Rgb | None = None) -> Tiles:
        """Read tiles as soon as their bytes are here, into `out` if given.

        Raises:
            MedullaError: they do not come, or the reader fails.
        """
        try:
            tiles = self.reader.read_tiles(origins, cut, out)
        except (MedullaError, OSError) as error:
            raise cause_of(self.source, error) from error
        if self.source.failure is not None:  # a reader may take missing bytes for damage
            raise self.source.failure
        return tiles

    def prove(self, check: Callable[[], None], every_s: float) -> None:
        """Wait for all bytes, and compare their digest; `check` is called meanwhile.

        Raises:
            ObjectChangedError: they are not those that were planned.
            MedullaError: they do not come.
        """
        if self.source.digest(check, every_s) != self.digest:
            raise ObjectChangedError(f"the bytes of {self.source.files[0].key} are not those that were planned")


@dataclass(frozen=True)
class RangedStreams:
    """Opens slides for streams by byte ranges."""

    blobs: BlobStore
    plans: PlanStore
    readers: IsolatedReaders

    @contextmanager
    def open(self, slide: Slide, plan: Sha256) -> Iterator[ArrivingSlide | None]:
        """An open slide while the context lasts; None if it has to be on disk.

        Raises:
            ObjectChangedError, CrashedWorkerError, TransientError: it cannot be opened.
        """
        infos = messages.files_of(slide)
        described = self.plans.described(Sha256(slide.digest), plan)
        ranged = _ranged(described, tuple(info.size for info in infos)) if described else None
        if ranged is None:
            yield None
            return
        source = ArrivingBytes(self.blobs, infos)
        try:
            reader = self._opened(ranged, source)
            if reader is None:
                yield None
                return
            with reader:
                source.start()
                yield ArrivingSlide(reader, source, slide.digest)
        finally:
            source.close()

    def _opened(self, ranged: RangedSlide, source: ArrivingBytes) -> SlideReader | None:
        """The reader; None where it needs much of the slide to begin, or does not read it this way."""
        try:
            return self.readers.ranged(ranged, source)
        except (MedullaError, OSError) as error:
            cause = cause_of(source, error)
            if isinstance(cause, TooScatteredError | SlideError):
                return None
            raise cause from error


def _ranged(described: Mapping[str, Any], sizes: tuple[int, ...]) -> RangedSlide | None:
    """The slide of a plan; None if its tiles were not read as they are stored, or the plan does not say so."""
    planned_with = described["slide"].get("reader")
    slide = RangedSlide.of_plan(described, sizes) if planned_with == STORED_TILES else None
    return slide and replace(slide, block=STREAM_BLOCK)
