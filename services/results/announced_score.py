"""Reads the score that an event announces from the bucket."""

from medulla.v1.events_pb2 import CaseScored
from medulla.v1.scorer_pb2 import Score

from services.results.case_state import read_score
from services.results.errors import ScoreMismatchError
from shared.blob.port import BlobStore
from shared.canonical import sha256


def announced_score(blobs: BlobStore, event: CaseScored) -> tuple[str, Score]:
    """The stored text of the announced score, and the score.

    Raises:
        ScoreMismatchError: the stored bytes are not the announced score.
        ObjectChangedError: the score does not exist.
    """
    data = blobs.get(event.score_key)
    digest = sha256(data)
    if digest != event.score_digest:
        raise ScoreMismatchError(f"score {event.score_key} has digest {digest}, announced was {event.score_digest}")
    body = _utf8(data, event.score_key)
    score = read_score(body, event.score_key)
    if (score.case_id, score.score_id) != (event.case_id, event.score_id):
        raise ScoreMismatchError(f"{event.score_key} is score {score.score_id!r} of case {score.case_id!r}")
    return body, score


def _utf8(data: bytes, key: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ScoreMismatchError(f"score {key} is no UTF-8 text") from error
