"""Deep Zoom of slides that stand: their description, and squares as pictures; few are read at once."""

from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock

from services.results.deep_zoom import DeepZoom
from services.results.errors import TooManyViewersError, UnknownSlideError
from services.results.slide_pixels import IsWanted, SlidePixels
from services.results.slots import Slots
from services.results.viewed_slides import ViewedSlide, ViewedSlides
from shared.canonical import digest_of

_AT_ONCE = 12
"""Squares that are read at once, so that other requests find threads."""
_REMEMBERED = 200
_RENDERING = 1
"""Changes whenever the pictures of the same slide do."""


def _refusal() -> TooManyViewersError:
    return TooManyViewersError("too many parts of slides are read at once; ask again")


@dataclass
class Viewer:
    """Answers a Deep Zoom viewer. Safe to use from several threads."""

    slides: ViewedSlides
    pixels: SlidePixels
    _sizes: OrderedDict[str, DeepZoom] = field(default_factory=OrderedDict, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)
    _slots: Slots = field(default_factory=lambda: Slots(_AT_ONCE, _refusal), init=False)

    def describe(self, digest: str) -> DeepZoom | None:
        """Open a slide; None while it is being fetched.

        Raises:
            UnknownSlideError, BrokenSlideError, TooManyViewersError, TransientError: see SlidePixels.
        """
        return self._describe(digest, self.slides.find(digest))

    def tag(self, digest: str, level: int, column: int, row: int) -> str:
        """The entity tag of a square of a slide that stands; raises UnknownSlideError."""
        self.slides.find(digest)
        return f'"{digest_of([_RENDERING, digest, level, column, row])[:32]}"'

    def square(self, digest: str, level: int, column: int, row: int, is_wanted: IsWanted) -> bytes | None:
        """One square as a JPEG file; None while the slide is being fetched.

        Raises:
            UnknownSlideError: no such slide stands, or it has no such square.
            BrokenSlideError, TooManyViewersError, TransientError: see SlidePixels.
        """
        viewed = self.slides.find(digest)
        size = self._sizes.get(digest) or self._describe(digest, viewed)
        if size is None:
            return None
        square = size.square(level, column, row)
        if square is None:
            raise UnknownSlideError(f"the slide has no square {column}, {row} of level {level}")
        with self._slots.taken():
            return self.pixels.read(viewed.slide, viewed.plan, square, is_wanted)

    def _describe(self, digest: str, viewed: ViewedSlide) -> DeepZoom | None:
        with self._slots.taken():
            size = self.pixels.describe(viewed.slide, viewed.plan)
        if size is not None:
            with self._lock:
                self._sizes[digest] = size
                if len(self._sizes) > _REMEMBERED:
                    self._sizes.popitem(last=False)
        return size
