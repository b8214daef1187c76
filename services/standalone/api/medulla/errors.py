"""The errors that Medulla raises on purpose, all of them `MedullaError`; the parent class says whether to try again.

A `PermanentError` has `reason`, the code of `failures.csv` and dead letters, and `advice`; its text is one sentence.
"""

from services.embedder.errors import TooManyCorruptTilesError, UnknownEncoderError
from services.fusion_scorer.errors import EncoderMismatchError
from services.standalone.advice import explain_here as explain
from services.standalone.errors import NamelessCaseError, NothingFoundError, UnreadableFileError
from services.tiler.errors import NoResolutionError, NotASlideError, NoTissueError, SlideError
from services.trainer.errors import (
    BadCohortError,
    BadEmbeddingsError,
    BadProfileError,
    BadReportError,
    BadVectorTableError,
)
from shared.errors import InternalError, MedullaError, PermanentError, TransientError
from shared.model.errors import BadBundleError, BadClinicalRecordError, BadSignatureError, BadVectorsError

__all__ = [
    "BadBundleError",
    "BadClinicalRecordError",
    "BadCohortError",
    "BadEmbeddingsError",
    "BadProfileError",
    "BadReportError",
    "BadSignatureError",
    "BadVectorTableError",
    "BadVectorsError",
    "EncoderMismatchError",
    "InternalError",
    "MedullaError",
    "MissingExtraError",
    "NamelessCaseError",
    "NoResolutionError",
    "NoTissueError",
    "NotASlideError",
    "NothingFoundError",
    "PermanentError",
    "SlideError",
    "TooManyCorruptTilesError",
    "TransientError",
    "UnknownEncoderError",
    "UnreadableFileError",
    "explain",
]


class MissingExtraError(MedullaError):
    """A function needs a library that an extra of the distribution brings."""
