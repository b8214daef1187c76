"""A snapshot of a case in the bucket: which embedded slides are present and counted, and remarks for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from medulla.v1.common_pb2 import Slide, StoredObject
from medulla.v1.events_pb2 import SlideEmbedded
from medulla.v1.scorer_pb2 import LeftOutSlide, Remark

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_record import Version
from shared import keys
from shared.blob import stored_object
from shared.blob.port import BlobInfo, BlobStore
from shared.keys import BadCaseIdError
from shared.units import CaseId, SlideId

DUPLICATE, REPLACED, IN_TWO_CASES = "duplicate_slide", "replaced", "same_slide_in_two_cases"
_NAMED_CASES = 3
"""Other cases that a remark names at most: a blank test slide may lie in every case."""


@dataclass(frozen=True)
class CaseSnapshot:
    """What the bucket holds of a case at one moment; two snapshots are equal if nothing changed between them."""

    case_id: CaseId
    slides: tuple[SlideEmbedded, ...]
    """The slides that count, in order of slide id."""
    left_out: tuple[LeftOutSlide, ...]
    remarks: tuple[Remark, ...]
    objects: tuple[StoredObject, ...]
    """The files of every embedded slide that is present, counted or not."""
    clinical: BlobInfo | None
    nothing_left: bool
    """The bucket holds no slide, embedded or not, and no record."""

    @property
    def record(self) -> tuple[StoredObject, ...]:
        """The clinical record, where there is one."""
        return () if self.clinical is None else (stored_object.to_message(self.clinical),)

    @property
    def seen(self) -> list[Version]:
        """The versions of all objects that a score of the case comes from."""
        return sorted((stored.key, stored.etag) for stored in (*self.objects, *self.record))


@dataclass(frozen=True)
class TakeSnapshot:
    """Compares the index of a case with the bucket."""

    store: BlobStore
    index: CaseIndex

    def __call__(self, case: CaseId) -> CaseSnapshot:
        """Take one snapshot: one listing of the case's slides and one HEAD of its record."""
        clinical = self.store.head(keys.clinical(case))
        present = self._present(case)
        embedded = [event for event in self.index.slides(case) if _of_its_key(event.slide)]
        current = _one_a_slide(event for event in embedded if _stands(event.slide, present))
        slides, duplicates = _without_duplicates(current)
        return CaseSnapshot(
            case_id=case,
            slides=tuple(slides),
            left_out=(*map(_as_left_out, duplicates), *_replaced(embedded, current, present)),
            remarks=(*_duplicate_remarks(duplicates), *self._in_two_cases(case, slides)),
            objects=tuple(stored for event in current for stored in _files(event.slide)),
            clinical=clinical,
            nothing_left=clinical is None and not any(map(_names_slide, present)),
        )

    def others(self, case: CaseId, digest: str) -> list[CaseId]:
        """The first few other cases that hold a slide of this digest."""
        candidates = (other for other in self.index.cases_of(digest) if other != case)
        return list(islice((other for other in candidates if self._holds(other, digest)), _NAMED_CASES))

    def _present(self, case: CaseId) -> Mapping[str, str]:
        return {info.key: info.etag for info in self.store.list(keys.slides(case))}

    def _in_two_cases(self, case: CaseId, slides: Sequence[SlideEmbedded]) -> Iterator[Remark]:
        for event in slides:
            if others := self.others(case, event.slide.digest):
                yield _swap_remark(event.slide.slide_id, others)

    def _holds(self, case: CaseId, digest: str) -> bool:
        held = [event.slide for event in self.index.slides(case) if event.slide.digest == digest]
        present = self._present(case) if held else {}
        return any(_of_its_key(slide) and _stands(slide, present) for slide in held)


def _files(slide: Slide) -> tuple[StoredObject, ...]:
    return (slide.object, *slide.files)


def _stands(slide: Slide, present: Mapping[str, str]) -> bool:
    return all(present.get(stored.key) == stored.etag for stored in _files(slide))


def _of_its_key(slide: Slide) -> bool:
    """Whether the slide's id is one that its key gives today; older programs named slides after the stem alone."""
    return keys.can_be(SlideId(slide.slide_id), slide.object.key)


def _one_a_slide(events: Iterable[SlideEmbedded]) -> list[SlideEmbedded]:
    """The version with the most files of each slide: earlier ones with fewer files match the bucket too."""
    most: dict[str, SlideEmbedded] = {}
    for event in events:
        known = most.setdefault(event.slide.slide_id, event)
        if len(known.slide.files) < len(event.slide.files):
            most[event.slide.slide_id] = event
    return list(most.values())


def _without_duplicates(
    events: Sequence[SlideEmbedded],
) -> tuple[list[SlideEmbedded], list[tuple[SlideEmbedded, SlideEmbedded]]]:
    """The first slide of each digest, and each other one with the first."""
    first: dict[str, SlideEmbedded] = {}
    duplicates = []
    for event in events:
        known = first.setdefault(event.slide.digest, event)
        if known is not event:
            duplicates.append((event, known))
    return list(first.values()), duplicates


def _replaced(
    embedded: Sequence[SlideEmbedded], current: Sequence[SlideEmbedded], present: Mapping[str, str]
) -> Iterator[LeftOutSlide]:
    """Slides whose present version is not the embedded one."""
    there = {event.slide.slide_id for event in current}
    others = (event.slide for event in embedded if event.slide.slide_id not in there)
    for slide_id in sorted({slide.slide_id for slide in others if any(f.key in present for f in _files(slide))}):
        sentence = f"Slide {slide_id} was replaced; its new version is not embedded yet."
        yield LeftOutSlide(slide_id=slide_id, reason=REPLACED, sentence=sentence)


def _as_left_out(pair: tuple[SlideEmbedded, SlideEmbedded]) -> LeftOutSlide:
    slide, first = (event.slide.slide_id for event in pair)
    sentence = f"Slide {slide} holds the same bytes as slide {first}, so it was not counted again."
    return LeftOutSlide(slide_id=slide, reason=DUPLICATE, sentence=sentence)


def _duplicate_remarks(duplicates: Iterable[tuple[SlideEmbedded, SlideEmbedded]]) -> Iterator[Remark]:
    for event, first in duplicates:
        slide = event.slide.slide_id
        sentence = (
            f"Slides {first.slide.slide_id} and {slide} hold the same bytes and count once. "
            "See whether one of them should be another slide."
        )
        yield Remark(code=DUPLICATE, sentence=sentence, slide_id=slide)


def _swap_remark(slide: str, cases: Sequence[CaseId]) -> Remark:
    sentence = (
        f"Slide {slide} holds the same bytes as a slide of case {', '.join(cases)}. "
        "At most one of the cases is the right one: find out which, and delete the slide from the others."
    )
    return Remark(code=IN_TWO_CASES, sentence=sentence, slide_id=slide)


def _names_slide(key: str) -> bool:
    try:
        return not key.endswith("/") and keys.slide_key(key) is not None
    except BadCaseIdError:
        return True
