"""Which slides are embedded, by the scorer's index in the bucket, and which of them still stand there."""

from collections.abc import Iterator, Mapping
from itertools import islice

from google.protobuf.json_format import Parse, ParseError
from medulla.v1.common_pb2 import Slide, StoredObject
from medulla.v1.events_pb2 import SlideEmbedded

from shared import keys
from shared.blob.port import BlobStore
from shared.units import CaseId, Sha256, SlideId

IN_TWO_CASES = "same_slide_in_two_cases"
"""Code of the remark on a slide that stands in another case, too."""
_CANDIDATES = 20
"""Cases that are looked through for a slide at most: a blank test slide may lie in every case."""


def embedded(store: BlobStore, case: CaseId) -> list[SlideEmbedded]:
    """Every version of every embedded slide of the case, in order of slide id; without damaged entries."""
    return readable(entries(store, case))


def readable(listed: Mapping[str, SlideEmbedded | None]) -> list[SlideEmbedded]:
    """The events of entries that are not damaged, in order of slide id."""
    return sorted((event for event in listed.values() if event is not None), key=lambda event: event.slide.slide_id)


def entries(store: BlobStore, case: CaseId) -> Mapping[str, SlideEmbedded | None]:
    """The index entries of the case's slides by key; None for a damaged one."""
    listed = [info.key for info in store.list(keys.indexed_slides(case))]
    return {key: _read(store.get(key), case) for key in listed}


def _read(data: bytes, case: CaseId) -> SlideEmbedded | None:
    try:
        event = Parse(data, SlideEmbedded(), ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError):
        return None
    return event if event.slide.case_id == case else None


def present(store: BlobStore, case: CaseId) -> Mapping[str, str]:
    """Etags by key of all files that stand in the case's folder."""
    return {info.key: info.etag for info in store.list(keys.slides(case))}


def files(slide: Slide) -> tuple[StoredObject, ...]:
    """All files of a slide, the first one first."""
    return (slide.object, *slide.files)


def stands(slide: Slide, there: Mapping[str, str]) -> bool:
    """Whether all files of a slide stand in the version that was embedded."""
    return all(there.get(stored.key) == stored.etag for stored in files(slide))


def of_its_key(slide: Slide) -> bool:
    """Whether the slide's id is one that its key gives today; older programs named slides after the stem alone."""
    return keys.can_be(SlideId(slide.slide_id), slide.object.key)


def cases_of(store: BlobStore, digest: str) -> Iterator[CaseId]:
    """The cases that hold, or held, a slide of this digest, in order."""
    prefix = keys.cases_of(Sha256(digest))
    return (CaseId(info.key.removeprefix(prefix)) for info in store.list(prefix))


def other_holders(store: BlobStore, case: CaseId, digest: str) -> Iterator[CaseId]:
    """Other cases in which a slide of this digest stands now."""
    candidates = (other for other in cases_of(store, digest) if other != case)
    return (other for other in islice(candidates, _CANDIDATES) if _holds(store, other, digest))


def _holds(store: BlobStore, case: CaseId, digest: str) -> bool:
    held = [event.slide for event in embedded(store, case) if event.slide.digest == digest]
    there = present(store, case) if held else {}
    return any(of_its_key(slide) and stands(slide, there) for slide in held)
