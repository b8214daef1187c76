"""When a case's inputs landed and were processed, from the objects that stand in the bucket."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from medulla.v1.results_pb2 import TimelineEvent
from medulla.v1.scorer_pb2 import SlideProvenance

from services.results.case_state import read_score
from shared import file_names, keys
from shared.blob.port import BlobInfo, BlobStore
from shared.times import stamp
from shared.units import CaseId, Sha256

_MOST_FILES, _MOST_SLIDES = 200, 50
_BAG = "bag.safetensors"


@dataclass(frozen=True)
class BucketTimeline:
    """Reads times of objects: one listing of slides and of vectors, and two requests for each slide of a score."""

    blobs: BlobStore

    def __call__(self, case: CaseId, scores: Iterable[str]) -> Iterator[TimelineEvent]:
        """Events of a case with these scores (JSON); a bounded number of them."""
        yield from (_event(info, "landed", info.key) for info in islice(self._landed(case), _MOST_FILES))
        for slide, slide_id in islice(_slides(scores).items(), _MOST_SLIDES):
            yield from self._processed(slide, slide_id)

    def _landed(self, case: CaseId) -> Iterator[BlobInfo]:
        prefix = keys.slides(case)
        yield from (
            info for info in self.blobs.list(prefix) if not file_names.is_no_slide(info.key.removeprefix(prefix))
        )
        if record := self.blobs.head(keys.clinical(case)):
            yield record
        yield from (info for info in self.blobs.list(keys.vectors(case)) if not file_names.is_no_record(info.key))

    def _processed(self, slide: "_SlideKey", slide_id: str) -> Iterator[TimelineEvent]:
        plan = self.blobs.head(keys.plan_prefix(slide.slide, slide.plan) + keys.PLAN)
        bag = self.blobs.head(keys.bag_prefix(slide.slide, slide.plan, slide.encoder) + _BAG)
        if plan:
            yield _event(plan, "planned", slide_id)
        if bag:
            yield _event(bag, "embedded", slide_id)


@dataclass(frozen=True, slots=True)
class _SlideKey:
    slide: Sha256
    plan: Sha256
    encoder: Sha256


def _slides(scores: Iterable[str]) -> dict[_SlideKey, str]:
    """Slide ids of all scores, by what their plan and embeddings are stored under."""
    provenances = [read_score(body, "the database").provenance for body in scores]
    return {_key(slide, each.encoder_digest): slide.slide_id for each in provenances for slide in each.slides}


def _key(slide: SlideProvenance, encoder: str) -> _SlideKey:
    return _SlideKey(Sha256(slide.slide_digest), Sha256(slide.plan_digest), Sha256(encoder))


def _event(info: BlobInfo, kind: str, subject: str) -> TimelineEvent:
    return TimelineEvent(at=stamp(info.last_modified), kind=kind, subject=subject)
