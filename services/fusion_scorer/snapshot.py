"""A snapshot of a case in the bucket: which embedded slides are present and counted, and remarks for people."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from medulla.v1.common_pb2 import StoredObject
from medulla.v1.events_pb2 import SlideEmbedded
from medulla.v1.scorer_pb2 import LeftOutSlide, Remark

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.case_record import Version
from services.fusion_scorer.encoder_bags import bags_of
from shared import keys
from shared.blob import stored_object
from shared.blob.port import BlobInfo, BlobStore
from shared.canonical import digest_of
from shared.keys import BadCaseIdError
from shared.model.manifest import EncoderRef
from shared.slides.embedded import (
    IN_TWO_CASES,
    files,
    fullest,
    is_current,
    of_its_key,
    other_holders,
    present,
    readable,
)
from shared.slides.listing import FoundSlide, SlideListing
from shared.units import CaseId, Sha256

DUPLICATE, REPLACED, DAMAGED, NOT_EMBEDDED = "duplicate_slide", "replaced", "damaged_entry", "not_embedded"


@dataclass(frozen=True)
class CaseSnapshot:
    """What the bucket holds of a case at one moment; two snapshots are equal if nothing changed between them."""

    case_id: CaseId
    slides: tuple[SlideEmbedded, ...]
    """The slides that count, each with the bag of one encoder, in order of slide id."""
    left_out: tuple[LeftOutSlide, ...]
    remarks: tuple[Remark, ...]
    objects: tuple[StoredObject, ...]
    """The files of every embedded slide that is present, counted or not."""
    clinical: BlobInfo | None
    vectors: tuple[BlobInfo, ...]
    """In order of the blocks' names."""
    damaged: tuple[BlobInfo, ...]
    """The first file of each present slide whose entry in the index is damaged: it is to be embedded again."""
    nothing_left: bool
    """The bucket holds no slide, embedded or not, no record and no vector."""

    @property
    def read(self) -> tuple[StoredObject, ...]:
        """The clinical record, where there is one, and the vectors."""
        record = () if self.clinical is None else (self.clinical,)
        return tuple(map(stored_object.to_message, (*record, *self.vectors)))

    @property
    def awaits_encoder(self) -> bool:
        """Whether a slide is still to be embedded by the encoder that is asked for."""
        return any(slide.reason == NOT_EMBEDDED for slide in self.left_out)

    @property
    def digest(self) -> Sha256:
        """Digest of all that it holds."""
        messages = (self.slides, self.left_out, self.remarks, self.objects, self.read)
        sent = [[message.SerializeToString(deterministic=True).hex() for message in each] for each in messages]
        return digest_of([self.case_id, *sent, [info.key for info in self.damaged], self.nothing_left])

    @property
    def seen(self) -> list[Version]:
        """The versions of all objects that a score of the case comes from."""
        return sorted((stored.key, stored.etag) for stored in (*self.objects, *self.read))


@dataclass(frozen=True)
class TakeSnapshot:
    """Compares the index of a case with the bucket."""

    store: BlobStore
    index: CaseIndex

    def __call__(self, case: CaseId, encoder: EncoderRef | None = None) -> CaseSnapshot:
        """Take one snapshot: a listing each of the case's slides and vectors, and one HEAD of its record.

        Slides count with their bags of `encoder`, or with any.
        """
        clinical = self.store.head(keys.clinical(case))
        vectors = [info for info in self.store.list(keys.vectors(case)) if _names_vector(info.key)]
        there = present(self.store, case)
        listed = self.index.entries(case)
        embedded = [event for event in readable(listed) if of_its_key(event.slide)]
        standing = [event for event in embedded if is_current(event.slide, there)]
        current, bags = fullest(standing), bags_of(self.store, encoder, standing)
        slides, duplicates = without_duplicates(bags.counted)
        unreadable = {_slide_of(key) for key, event in listed.items() if event is None}
        damaged = self._slides_named(case, unreadable - {event.slide.slide_id for event in bags.counted})
        return CaseSnapshot(
            case_id=case,
            slides=tuple(slides),
            left_out=(
                *map(duplicate_left_out, duplicates),
                *_replaced(embedded, current, there),
                *_awaited(bags.awaited, unreadable),
                *map(_as_damaged, damaged),
            ),
            remarks=(*duplicate_remarks(duplicates), *self._in_two_cases(case, slides)),
            objects=tuple(stored for event in current for stored in files(event.slide)),
            clinical=clinical,
            vectors=tuple(sorted(vectors, key=lambda info: info.key)),
            damaged=tuple(slide.files[0] for slide in damaged),
            nothing_left=not (clinical or vectors) and not any(map(_names_slide, there)),
        )

    def _slides_named(self, case: CaseId, named: Collection[str]) -> list[FoundSlide]:
        """The slides of these ids that the bucket holds."""
        slides = SlideListing(self.store).of_case(keys.slides(case)) if named else []
        return [slide for slide in slides if slide.slide_id in named]

    def _in_two_cases(self, case: CaseId, slides: Iterable[SlideEmbedded]) -> Iterator[Remark]:
        for event in slides:
            if next(other_holders(self.store, case, event.slide.digest), None) is not None:
                yield swap_remark(event.slide.slide_id)


def without_duplicates(
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
    embedded: Sequence[SlideEmbedded], current: Sequence[SlideEmbedded], there: Mapping[str, str]
) -> Iterator[LeftOutSlide]:
    """Slides whose present version is not the embedded one."""
    counted = {event.slide.slide_id for event in current}
    others = (event.slide for event in embedded if event.slide.slide_id not in counted)
    for slide_id in sorted({slide.slide_id for slide in others if any(f.key in there for f in files(slide))}):
        sentence = f"Slide {slide_id} was replaced; its new version is not embedded yet."
        yield LeftOutSlide(slide_id=slide_id, reason=REPLACED, sentence=sentence)


def _awaited(events: Sequence[SlideEmbedded], unreadable: Collection[str]) -> Iterator[LeftOutSlide]:
    """Slides with bags of other encoders alone, but for those whose entry is damaged."""
    for slide_id in (event.slide.slide_id for event in events):
        if slide_id not in unreadable:
            sentence = f"Slide {slide_id} is not embedded yet by the encoder that the model reads."
            yield LeftOutSlide(slide_id=slide_id, reason=NOT_EMBEDDED, sentence=sentence)


def _slide_of(entry: str) -> str:
    """The slide's id in the key of an index entry."""
    return entry.rpartition("/")[2].rpartition("@")[0]


def _as_damaged(slide: FoundSlide) -> LeftOutSlide:
    sentence = f"What is stored of the embeddings of slide {slide.slide_id} is damaged; it is embedded again."
    return LeftOutSlide(slide_id=slide.slide_id, reason=DAMAGED, sentence=sentence)


def duplicate_left_out(pair: tuple[SlideEmbedded, SlideEmbedded]) -> LeftOutSlide:
    """A slide that is not counted, of a pair with the one that is."""
    slide, first = (event.slide.slide_id for event in pair)
    sentence = f"Slide {slide} holds the same bytes as slide {first}, so it was not counted again."
    return LeftOutSlide(slide_id=slide, reason=DUPLICATE, sentence=sentence)


def duplicate_remarks(duplicates: Iterable[tuple[SlideEmbedded, SlideEmbedded]]) -> Iterator[Remark]:
    """A remark for each slide that is not counted."""
    for event, first in duplicates:
        slide = event.slide.slide_id
        sentence = (
            f"Slides {first.slide.slide_id} and {slide} hold the same bytes and count once. "
            "See whether one of them should be another slide."
        )
        yield Remark(code=DUPLICATE, sentence=sentence, slide_id=slide)


def swap_remark(slide: str) -> Remark:
    """The remark on a slide of two cases; it names no other case, since scores are kept and the other may be erased."""
    sentence = (
        f"Slide {slide} also lies in another case: a sample swap is possible. "
        "At most one of the cases is the right one: find out which, and delete the slide from the others."
    )
    return Remark(code=IN_TWO_CASES, sentence=sentence, slide_id=slide)


def _names_slide(key: str) -> bool:
    try:
        return not key.endswith("/") and keys.slide_key(key) is not None
    except BadCaseIdError:
        return True


def _names_vector(key: str) -> bool:
    try:
        return keys.vector_key(key) is not None
    except BadCaseIdError:
        return False
