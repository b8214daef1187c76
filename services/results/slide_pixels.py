"""The interface of whatever reads the pixels of slides: the tiler, by gRPC or in this process."""

from collections.abc import Callable
from typing import Protocol

from medulla.v1.common_pb2 import Plan, Slide

from services.results.deep_zoom import DeepZoom, Square
from services.results.errors import BadRequestError, BrokenSlideError, UnknownSlideError
from shared.errors import PermanentError

IsWanted = Callable[[], bool]
"""Whether somebody still waits for the answer."""


class SlidePixels(Protocol):
    """Reads slides that stand in the bucket. Safe to use from several threads."""

    def describe(self, slide: Slide, plan: Plan) -> DeepZoom | None:
        """Size of a slide; None while its files are being fetched.

        Raises:
            UnknownSlideError: it no longer stands.
            BrokenSlideError: it cannot be read.
            TransientError: the reader is down or busy.
        """

    def read(self, slide: Slide, plan: Plan, square: Square, is_wanted: IsWanted) -> bytes:
        """One square as a JPEG file; errors as above, and TransientError once nobody waits for it."""


def refused(error: PermanentError) -> PermanentError:
    """What a refusal by the tiler means here, by its reason."""
    kinds = {UnknownSlideError.reason: UnknownSlideError, BadRequestError.reason: BadRequestError}
    kind = kinds.get(error.reason)
    return kind(str(error)) if kind else BrokenSlideError(str(error), error.reason, error.advice)
