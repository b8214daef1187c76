"""Errors of exports."""

from shared.errors import PermanentError


class NotStoredError(PermanentError):
    """What is to be exported is not stored, or the score has no such slide."""

    reason = "not_found"
    advice = "Look at the score: it names its slides, and which of them the model looked at."


class ChooseSlideError(PermanentError):
    """A file of one slide was requested of a score of several."""

    reason = "bad_request"
    advice = "Name the slide: --slide on the command line, ?slide= in an address."


class BrokenMapError(PermanentError):
    """A stored attention map is damaged."""

    reason = "digest_mismatch"
    advice = "Score the case again; if it happens twice, check the bucket."
