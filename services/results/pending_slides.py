"""Slides that landed and have neither a score nor a refusal yet."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from medulla.v1.events_pb2 import SlideRejected

from services.results.case_state import read_score, stands_for_case
from services.results.ports import CaseFacts, ResultStore
from services.results.waiting_stage import STAGES, waiting_slide
from shared import keys, metrics, pseudonyms
from shared.blob.port import BlobInfo, BlobStore
from shared.errors import TransientError
from shared.incidents import contained
from shared.keys import SlideKey
from shared.slides.listing import SlideListing
from shared.times import when
from shared.units import CaseId
from shared.waiting import WaitingSlide, publish

_SAME_TIME = timedelta(seconds=1)
"""A listing has an object's time to the millisecond, HEAD to the second."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class PendingSlides:
    """Sets the metrics of pending slides in the bucket and lists them there; checks an answered slide only once."""

    blobs: BlobStore
    results: ResultStore
    now: Callable[[], datetime] = _now
    _answered: dict[SlideKey, BlobInfo] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._listing = SlideListing(self.blobs)

    def __call__(self) -> None:
        """Look once.

        Raises:
            TransientError: the bucket or the database does not answer.
        """
        landed = self._landed()
        self._answered = {slide: info for slide, info in landed.items() if self._is_answered(slide, info)}
        pending = [self._waiting(slide, info) for slide, info in landed.items() if slide not in self._answered]
        self._measure(pending)
        publish(self.blobs, pending, self.now())

    def _waiting(self, slide: SlideKey, info: BlobInfo) -> WaitingSlide:
        with contained("waiting", TransientError):
            return waiting_slide(slide, info, self.results.case(slide.case_id))
        return waiting_slide(slide, info, None)

    def _measure(self, pending: Sequence[WaitingSlide]) -> None:
        ages = [self.now() - slide.landed for slide in pending]
        metrics.WAITING_SLIDES.set(len(ages))
        metrics.OLDEST_WAITING_SLIDE_SECONDS.set(max(ages, default=timedelta()).total_seconds())
        counts = Counter(slide.stage for slide in pending)
        for stage in STAGES:
            metrics.WAITING_SLIDES_BY_STAGE.labels(stage).set(counts[stage])

    def _landed(self) -> dict[SlideKey, BlobInfo]:
        """The primary file of each slide; keys that name no case are skipped."""
        landed: dict[SlideKey, BlobInfo] = {}
        for (case, inside), objects in groupby(self.blobs.list(keys.SLIDES), lambda info: _case_of(info.key)):
            if inside and pseudonyms.is_pseudonym(case):
                with contained("waiting", TransientError):
                    slides = self._listing.slides(objects, keys.slides(CaseId(case)))
                    landed |= {SlideKey(CaseId(case), slide.slide_id): slide.files[0] for slide in slides}
        return landed

    def _is_answered(self, slide: SlideKey, info: BlobInfo) -> bool:
        known = self._answered.get(slide)
        if known is not None and known.etag == info.etag:
            return True
        with contained("waiting", TransientError):
            facts = self.results.case(slide.case_id)
            return facts is not None and (_refused(facts, slide, info) or _scored(facts, slide, info))
        return False


def _case_of(key: str) -> tuple[str, str]:
    """A possible case id, and the slash after it."""
    case, slash, _ = key.removeprefix(keys.SLIDES).partition("/")
    return case, slash


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
