"""Errors in a command's arguments."""

import errno
import re
from pathlib import Path
from typing import TypeVar

from shared.error_location import place_of
from shared.errors import InternalError, PermanentError, RetriesExhaustedError, TransientError

E = TypeVar("E", bound=PermanentError)
_SLIDE = re.compile(r"\Aslide [^\s/]+/\S+: ")
"""A slide's name in front of a sentence, which its path replaces."""
_OF_EVERY_INPUT = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}


class NothingFoundError(PermanentError):
    """A given file or folder does not exist, or holds no slide."""

    reason = "not_found"
    advice = "Check the path, or list the slides with --slides slides.csv."


class NothingToMonitorError(PermanentError):
    """A place has no scores, or a result has no store to be published in."""

    reason = "not_found"
    advice = "Name score.json files or folders of them, a folder of `medulla up`, or s3://BUCKET."


class NoRiskOverTimeError(NothingToMonitorError):
    """None of the scores has a risk over time, which monitoring compares with outcomes."""

    advice = "Name scores with a risk over time; `medulla validate` measures a bundle of an outcome without times."


class UnreadableFileError(PermanentError):
    """The system refuses to read a file or folder."""

    reason = "unreadable_slide"
    advice = "Check that you may read it, and that its disk or network drive is connected."


class MisplacedFileError(PermanentError):
    """A slide or record lies in a watched folder beside the folders that are looked at."""

    reason = "bad_case_id"
    advice = "Slides are looked for in slides/CASE/, records in clinical/CASE.json of the watched folder."


class SameSlideError(PermanentError):
    """Two files have the same slide id in the same case."""

    reason = "bad_case_id"
    advice = "Rename one of them, or give each an id of its own with --slides slides.csv."


class BadSlideTableError(PermanentError):
    """A table of slides, or a row of it, cannot be used."""

    reason = "bad_request"
    advice = "The table needs the columns case_id and path, and may have slide_id and mpp; one row a slide."


class BadTableCaseError(PermanentError):
    """A row of a table of slides names a case by no pseudonym."""

    reason = "bad_case_id"
    advice = "Correct the column case_id of the table."


class SeveralCasesError(PermanentError):
    """A command on one case got slides of several cases, or of another case."""

    reason = "bad_request"
    advice = "Name the slides of one case; `medulla embed` takes many cases at once."


class NamelessCaseError(PermanentError):
    """Nothing says which case a clinical record or a vector is of."""

    reason = "bad_case_id"
    advice = "Name the case with --case-id, or in the record or vector as case_id."


class CaseWithoutBagsError(PermanentError):
    """A folder of embeddings holds no slide of the case that is to be scored."""

    reason = "not_found"
    advice = "Name a case of its index.csv with --case-id, or leave out --embeddings to score record and vectors alone."


class OtherBundleEncoderError(PermanentError):
    """The encoder of a command is not the one whose features the bundle reads."""

    reason = "encoder_mismatch"
    advice = (
        "Name the folder of the bundle's encoder with --encoder; features that `medulla import` read by a name alone "
        "have none: import them with --encoder and that folder, and train again."
    )


class NoRunningSystemError(PermanentError):
    """A case was named whose score is looked for in the running system, of which the settings are missing or wrong."""

    reason = "bad_request"
    advice = (
        "Name a score.json, give --store with the folder of `medulla up`, or set what the results service is set to."
    )


class ReservationsError(PermanentError):
    """Something speaks against the models of a bundle that is to be promoted; the text says what."""

    reason = "bad_request"
    advice = "Read its model_card.md; where it is to score cases all the same, add --despite-reservations."


class BadScoreFileError(PermanentError):
    """A file is no score that can be exported."""

    reason = "bad_request"
    advice = "Name the score.json that `medulla score` wrote, or a case."


def located(error: E, path: Path) -> E:
    """The error with its path in front, unless the sentence names it already; its advice stays."""
    if str(path) in str(error):
        return error
    with_path = type(error)(f"{path}: {_SLIDE.sub('', str(error))}")
    with_path.advice = error.advice
    return with_path


def refusal(error: Exception) -> PermanentError:
    """The refusal of one input for any error.

    Raises:
        OSError: `error`, where every input would fail in the same way: the disk is full or cannot be written.
    """
    if isinstance(error, PermanentError):
        return error
    if isinstance(error, TransientError):
        return RetriesExhaustedError(str(error))
    if isinstance(error, OSError):
        if error.errno in _OF_EVERY_INPUT:
            raise error
        return UnreadableFileError(f"cannot be read: {error.strerror or error}")
    return unforeseen(error)


def unforeseen(error: Exception) -> InternalError:
    """An unexpected error, by type and location; never a value."""
    return InternalError(f"unexpected {type(error).__name__} at {place_of(error)}")
