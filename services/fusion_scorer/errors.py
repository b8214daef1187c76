"""What can be wrong for good with a bundle, a clinical record or a case."""

from typing import ClassVar

import grpc
from medulla.v1.events_pb2 import SlideEmbedded

from shared.errors import MedullaError, PermanentError, TransientError


class BadSlideError(PermanentError):
    """One slide keeps its case from being scored; `slide` is the event about its embeddings."""

    def __init__(self, sentence: str, slide: SlideEmbedded) -> None:
        super().__init__(sentence)
        self.slide = slide


class EncoderMismatchError(BadSlideError):
    """The bags were made by another encoder than the bundle was fitted on."""

    reason = "encoder_mismatch"
    advice = "Promote a bundle fitted on this encoder, or embed the slides again with the bundle's encoder."


class BadBagError(BadSlideError):
    """A bag differs from its event: it is missing, altered, or has features that are not finite."""

    reason = "digest_mismatch"
    advice = "Delete the slide's folder under embeddings/ and let `medulla sweep` embed it again."


class NothingToScoreError(PermanentError):
    """An event asks for a score of a case of which nothing is stored."""

    reason = "bad_case_id"
    advice = "Check the case id; a case is known once a slide of it was embedded or its clinical record has landed."


class UnknownCaseError(PermanentError):
    """Somebody asks for a case of which nothing is stored."""

    reason = "not_found"
    advice = NothingToScoreError.advice
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.NOT_FOUND


class BadQuestionError(PermanentError):
    """A question has a parameter that is out of range."""

    reason = "bad_request"
    advice = "Correct the named parameter."


class NoBundleError(PermanentError):
    """No bundle is promoted, so nothing can be scored; promotion scores every case that waits."""

    reason = "bad_bundle"
    advice = "Promote a bundle with `medulla rescore --bundle PATH`; waiting cases are then scored by themselves."
    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.FAILED_PRECONDITION


class EncoderAwaitedError(MedullaError):
    """A case keeps its score until the encoder of the promoted bundle has embedded its slides."""


class MovedMeanwhileError(TransientError):
    """An object was replaced between looking at it and reading it; the next try sees the new one."""
