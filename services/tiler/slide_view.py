"""A planned slide that is open for viewers: by byte ranges of its objects, else from its files on disk."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from medulla.v1.common_pb2 import Slide

from services.tiler import messages
from services.tiler.bucket_bytes import BucketBytes, TooScatteredError, cause_of
from services.tiler.errors import SlideGoneError, UnsupportedFormatError
from services.tiler.isolation import IsolatedReaders
from services.tiler.ports import Layout, Region, SlideFiles, SlideReader
from services.tiler.ranged_slide import RangedSlide
from services.tiler.resolution import Override
from shared.blob.port import BlobStore, ObjectChangedError
from shared.errors import MedullaError
from shared.slides.standing import StandingCheck

Answer = TypeVar("Answer")


class SlideView:
    """An open slide, and what has to be closed with it."""

    def __init__(self, reader: SlideReader, check: Callable[[], None], source: BucketBytes | None = None) -> None:
        self._reader = reader
        self._check = check
        self._source = source
        self._closing = ExitStack()
        self._closing.callback(reader.close)
        try:
            self.layout: Layout = self._answer(reader.layout)
        except BaseException:
            self.close()
            raise

    def read(self, region: Region) -> bytes:
        """One rectangle as a JPEG file.

        Raises:
            SlideGoneError: the slide no longer stands.
            SlideError, CrashedWorkerError: it cannot be read there.
            TransientError: the store does not answer.
        """
        self.check()
        return self._answer(lambda: self._reader.read_region(region))

    def check(self) -> None:
        """Raise SlideGoneError if the slide no longer stands in the bucket."""
        try:
            self._check()
        except ObjectChangedError as error:
            raise SlideGoneError(str(error)) from error

    def close_with(self, stack: ExitStack) -> Self:
        """Let everything of `stack` be closed after the reader; returns this view."""
        opened = self._closing
        self._closing = stack.pop_all()
        self._closing.push(opened)
        return self

    def close(self) -> None:
        """End the reader, and release the files."""
        self._closing.close()

    def _answer(self, ask: Callable[[], Answer]) -> Answer:
        """Ask the reader; where its bytes did not come, that is the error."""
        try:
            return ask()
        except (MedullaError, OSError) as error:
            raise _cause(self._source, error) from error


def _cause(source: BucketBytes | None, error: MedullaError | OSError) -> MedullaError | OSError:
    cause = error if source is None else cause_of(source, error)
    return SlideGoneError(str(cause)) if source and isinstance(cause, ObjectChangedError) else cause


@dataclass(frozen=True)
class ViewOpener:
    """Opens slides for viewers."""

    blobs: BlobStore
    files: SlideFiles
    readers: IsolatedReaders
    cache_bytes: int
    check_every_s: float

    def ranged(self, slide: Slide, plan: dict[str, Any]) -> SlideView | None:
        """Open a slide by byte ranges; None if it has to be on disk.

        Raises:
            SlideGoneError, SlideError, CrashedWorkerError, TransientError: it cannot be opened.
        """
        infos = messages.files_of(slide)
        planned = RangedSlide.of_plan(plan, tuple(info.size for info in infos))
        if planned is None:
            return None
        source = BucketBytes(self.blobs, infos, self.cache_bytes)
        try:
            view = SlideView(self._reader(planned, source), self._standing(slide), source)
        except (TooScatteredError, UnsupportedFormatError):
            return None
        source.opened()
        return view

    def local(self, slide: Slide) -> SlideView:
        """Open a slide from its files on disk, which are fetched first.

        Raises:
            SlideGoneError, SlideError, CrashedWorkerError, TransientError: it cannot be opened.
        """
        with ExitStack() as stack:
            held = stack.enter_context(self.files.hold(messages.files_of(slide)))
            if held.digest != slide.digest:
                raise SlideGoneError(f"the bytes of {slide.object.key} are not those that were planned")
            view = SlideView(self.readers(held.path, Override()), self._standing(slide))
            return view.close_with(stack)

    def _reader(self, planned: RangedSlide, source: BucketBytes) -> SlideReader:
        try:
            return self.readers.ranged(planned, source)
        except (MedullaError, OSError) as error:
            raise _cause(source, error) from error

    def _standing(self, slide: Slide) -> Callable[[], None]:
        return StandingCheck(self.blobs, slide, self.check_every_s)
