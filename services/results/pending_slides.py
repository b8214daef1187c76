"""Slides that landed and have neither a score nor a refusal yet."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from medulla.v1.events_pb2 import SlideRejected

from services.results.case_state import read_score, stands_for_case
from services.results.ports import CaseFacts, ResultStore
from services.results.waiting_stage import STAGES, waiting_slide
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import digest_of
from shared.case_walk import ListedCase, walk
from shared.errors import TransientError
from shared.incidents import contained
from shared.keys import SlideKey
from shared.slides.listing import FoundSlide, SlideListing
from shared.times import utc_now, when
from shared.units import CaseId, Sha256
from shared.waiting import WaitingSlide, last_published, publish

_AT_ONCE = 1000
"""Cases that the database is asked for at once."""
_SLACK = 0.9
"""Share of the time between two looks after which one is due, so that clocks that are corrected skip none."""
_SAME_TIME = timedelta(seconds=1)
"""A listing has an object's time to the millisecond, HEAD to the second."""


@dataclass
class PendingSlides:
    """Sets the metrics of pending slides and lists them in the bucket; asks the database for many cases at once.

    One program at a time looks, every `every_s` seconds; the others set their metrics by the list that it published.
    Once each slide of a case is answered, the database keeps the digest of its listing, and the case is looked at
    again when its files change.
    """

    blobs: BlobStore
    results: ResultStore
    every_s: float = 0.0
    now: Callable[[], datetime] = utc_now

    def __post_init__(self) -> None:
        self._listing = SlideListing(self.blobs)

    def __call__(self) -> None:
        """Look once, or read what was published.

        Raises:
            TransientError: the bucket or the database does not answer.
        """
        with self.results.look_alone() as alone:
            listed = last_published(self.blobs)
            if alone and self._is_due(listed.at):
                self._look()
            else:
                self._measure(listed.slides)

    def _is_due(self, last: datetime | None) -> bool:
        return last is None or abs(self.now() - last).total_seconds() >= _SLACK * self.every_s

    def _look(self) -> None:
        walked, pending = walk(self.blobs, keys.SLIDES), list[WaitingSlide]()
        while cases := list(islice(walked, _AT_ONCE)):
            pending += self._pending(cases)
        self._measure(pending)
        publish(self.blobs, pending, self.now())

    def _measure(self, pending: Sequence[WaitingSlide]) -> None:
        ages = [self.now() - slide.landed for slide in pending]
        metrics.WAITING_SLIDES.set(len(ages))
        metrics.OLDEST_WAITING_SLIDE_SECONDS.set(max(ages, default=timedelta()).total_seconds())
        counts = Counter(slide.stage for slide in pending)
        for stage in STAGES:
            metrics.WAITING_SLIDES_BY_STAGE.labels(stage).set(counts[stage])

    def _pending(self, cases: Sequence[ListedCase]) -> list[WaitingSlide]:
        """The pending slides of several cases."""
        answered_before = self.results.answered([case.case_id for case in cases])
        pending, answered = list[WaitingSlide](), dict[CaseId, Sha256]()
        for case in cases:
            digest = digest_of([[info.key, info.etag] for info in case.below(keys.SLIDES)])
            if answered_before.get(case.case_id) == digest:
                continue
            with contained("waiting", TransientError):
                slides = self._listing.slides(case.below(keys.SLIDES), keys.slides(case.case_id))
                unanswered = self._unanswered(case.case_id, slides)
                pending += unanswered
                if slides and not unanswered:
                    answered[case.case_id] = digest
        if answered:
            self.results.note_answered(answered)
        return pending

    def _unanswered(self, case: CaseId, slides: Sequence[FoundSlide]) -> list[WaitingSlide]:
        """The slides without an answer; all of them where that cannot be told."""
        named = [(SlideKey(case, slide.slide_id), slide.files[0]) for slide in slides]
        with contained("waiting", TransientError):
            facts = self.results.case(case) if named else None
            unanswered = [(slide, info) for slide, info in named if not (facts and _is_answered(facts, slide, info))]
            return [waiting_slide(slide, info, facts) for slide, info in unanswered]
        why = "how far it has come could not be read"
        return [replace(waiting_slide(slide, info, None), why=why) for slide, info in named]


def _is_answered(facts: CaseFacts, slide: SlideKey, info: BlobInfo) -> bool:
    return _refused(facts, slide, info) or _scored(facts, slide, info)


def _scored(facts: CaseFacts, slide: SlideKey, info: BlobInfo) -> bool:
    """Whether the current score was made from this version; an older program's score has only times."""
    if facts.current is None:
        return False
    if facts.current.inputs is None:
        used = {each.slide_id for each in read_score(facts.current.body, "the database").slides}
        return slide.slide_id in used and info.last_modified <= facts.current.as_of + _SAME_TIME
    return (info.key, info.etag) in facts.current.inputs


def _refused(facts: CaseFacts, slide: SlideKey, info: BlobInfo) -> bool:
    """Whether this version was refused, or the case as a whole since it landed."""
    return any(
        _names_version(refused, info)
        if refused.object_key == info.key and refused.object_etag
        else _names(refused, slide, facts) and when(refused.as_of) > info.last_modified - _SAME_TIME
        for refused in facts.rejections
    )


def _names_version(refused: SlideRejected, info: BlobInfo) -> bool:
    return refused.object_etag == info.etag


def _names(refused: SlideRejected, slide: SlideKey, facts: CaseFacts) -> bool:
    """Whether a refusal is about the slide or the case; older programs did not state the version."""
    of_case = stands_for_case(refused, facts.current)
    return refused.slide_id in {"", slide.slide_id} and (of_case or refused.object_key.startswith(keys.SLIDES))
