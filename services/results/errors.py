"""Errors of results; the parent class decides between retry and dead letter."""

import grpc

from shared.errors import MedullaError, PermanentError, TransientError


class ScoreMismatchError(PermanentError):
    """The score in the store differs from the event's."""

    reason = "digest_mismatch"
    advice = "Score the case again (medulla rescore CASE); if it happens twice, check the bucket's access log."


class BrokenArchiveError(PermanentError):
    """A file of the archive is gone, or its bytes are not those that were stored."""

    reason = "digest_mismatch"
    advice = "Restore the object below `archive/` from a backup of the bucket, and look at the bucket's access log."


class UnknownCaseError(PermanentError):
    """Nothing is stored of the case, or of the slide in it."""

    reason = "not_found"
    advice = "Check the id; a slide appears here when the first service has seen it."
    grpc_code = grpc.StatusCode.NOT_FOUND


class RefusedQuestionError(PermanentError):
    """The scorer refuses a question about a case."""

    def __init__(self, sentence: str, reason: str, advice: str) -> None:
        super().__init__(sentence)
        vars(self).update(reason=reason, advice=advice)


class UnknownSlideError(PermanentError):
    """No such slide stands in the bucket, or it has no such part."""

    reason = "not_found"
    advice = "Look at the case: the slide was replaced, deleted or erased, or is not embedded yet."
    grpc_code = grpc.StatusCode.NOT_FOUND


class BrokenSlideError(PermanentError):
    """A slide, or a part of it, cannot be read."""

    def __init__(self, sentence: str, reason: str, advice: str) -> None:
        super().__init__(sentence)
        vars(self).update(reason=reason, advice=advice)


class TooManyViewersError(TransientError):
    """The maximum of parts of slides is read at once."""


class TooManyQuestionsError(TransientError):
    """The maximum of what-if questions is open at once."""


class BadRequestError(PermanentError):
    """A request has an invalid parameter."""

    reason = "bad_request"
    advice = "Correct the named parameter."


class BadNoteError(BadRequestError):
    """A note lacks something, or has something that its kind has not."""

    advice = "Correct the named field of the note."


class RefusedByFhirServerError(PermanentError):
    """The FHIR server refuses the document of a case for good."""

    reason = "refused_by_fhir_server"
    advice = "Correct what the sentence names: the token or URL (RESULTS_FHIR__…), or the server's rules; then replay."


class FhirServerDownError(TransientError):
    """The FHIR server does not answer, or not now."""


class BadDatabaseUrlError(MedullaError):
    """The setting does not name a supported database."""


class DatabaseDownError(TransientError):
    """The database does not answer."""


class OldSchemaError(TransientError):
    """The database's tables are older than this program; another program migrates them."""


class TooManyWatchersError(TransientError):
    """The maximum of callers is watching progress."""


class BrokenEvidenceError(PermanentError):
    """A picture or map of a score is damaged."""

    reason = "digest_mismatch"
    advice = "Score the case again; if it happens twice, check the bucket."
