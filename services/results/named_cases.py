"""The remark on a slide that lies in two cases; the other cases are named when it is read, never where it is kept."""

from contextlib import suppress
from itertools import islice

from medulla.v1.scorer_pb2 import Remark, Score

from shared.blob.port import BlobStore
from shared.errors import TransientError
from shared.slides.embedded import IN_TWO_CASES, other_holders
from shared.units import CaseId

_NAMED = 3


def name_cases(score: Score, store: BlobStore) -> None:
    """Add to each such remark of a score which other cases hold the slide now, a few at most.

    While the object store does not answer they stay unnamed.
    """
    digests = {slide.slide_id: slide.slide_digest for slide in score.slides}
    with suppress(TransientError):
        for remark in score.remarks:
            if remark.code == IN_TWO_CASES and (digest := digests.get(remark.slide_id)):
                _name(remark, list(islice(other_holders(store, CaseId(score.case_id), digest), _NAMED + 1)))


def _name(remark: Remark, cases: list[CaseId]) -> None:
    more = " and others" if len(cases) > _NAMED else ""
    if cases:
        remark.sentence += f" It lies in {', '.join(cases[:_NAMED])}{more}, too."
