"""Slides that landed and of which nothing came so far: neither a score nor a refusal."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby

from google.protobuf import json_format
from medulla.v1.events_pb2 import SlideEmbedded, SlideRejected

from services.results.case_state import input_times, read_score
from services.results.ports import CaseFacts, ResultStore
from shared import keys, metrics
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.events import event_id
from shared.keys import SlideKey
from shared.slides.listing import SlideListing
from shared.times import when
from shared.units import CaseId

_SAME_TIME = timedelta(seconds=1)
"""A listing tells an object's time to the millisecond, HEAD to the second."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Waiting:
    """Looks which slides of the bucket wait, and says so in the metrics; asks about an answered one only once."""

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
        ages = [self.now() - info.last_modified for slide, info in landed.items() if slide not in self._answered]
        metrics.WAITING_SLIDES.set(len(ages))
        metrics.OLDEST_WAITING_SLIDE_SECONDS.set(max(ages, default=timedelta()).total_seconds())

    def _landed(self) -> dict[SlideKey, BlobInfo]:
        """The file that stands for each slide; keys that name no case are passed over."""
        by_case = groupby(self.blobs.list(keys.SLIDES), lambda info: _case_of(info.key))
        return {
            SlideKey(CaseId(case), slide.slide_id): slide.files[0]
            for (case, inside), objects in by_case
            if inside and keys.is_pseudonym(case)
            for slide in self._listing.slides(objects, keys.case_folder(CaseId(case)))
        }

    def _is_answered(self, slide: SlideKey, info: BlobInfo) -> bool:
        known = self._answered.get(slide)
        if known is not None and known.etag == info.etag:
            return True
        facts = self.results.case(slide.case_id)
        return facts is not None and (_refused(facts, slide, info) or self._scored(facts, slide, info))

    def _scored(self, facts: CaseFacts, slide: SlideKey, info: BlobInfo) -> bool:
        """Whether the current score used this version, which may have landed again since, byte for byte."""
        embedded = self._embedded(slide)
        if facts.current is None or embedded is None or embedded.slide.object.etag != info.etag:
            return False
        used = {each.slide_id for each in read_score(facts.current.body, "the database").slides}
        return slide.slide_id in used and when(embedded.as_of) in input_times(facts.current.revision)

    def _embedded(self, slide: SlideKey) -> SlideEmbedded | None:
        """What the scorer's index holds of a slide."""
        key = keys.indexed_slide(slide.case_id, slide.slide_id)
        return json_format.Parse(self.blobs.get(key), SlideEmbedded()) if self.blobs.head(key) else None


def _case_of(key: str) -> tuple[str, str]:
    """What may be a case's id, and the slash after it."""
    case, slash, _ = key.removeprefix(keys.SLIDES).partition("/")
    return case, slash


def _refused(facts: CaseFacts, slide: SlideKey, info: BlobInfo) -> bool:
    """Whether this version, or the case as a whole since then, was refused.

    The tiler names a refusal after the version, so it is known again when that lands anew; of later stages only the
    landing time tells.
    """
    return any(
        refused.slide_id in {"", slide.slide_id}
        and not refused.object_key.startswith(keys.CLINICAL)
        and (
            when(refused.as_of) > info.last_modified - _SAME_TIME
            or refused.event_id == event_id(SlideRejected, info.key, info.etag, refused.reason)
        )
        for refused in facts.rejections
    )
