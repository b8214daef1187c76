"""The embedded slides of a case by the scorer's index in the bucket, and which of them are current."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from google.protobuf.json_format import Parse, ParseError
from medulla.v1.common_pb2 import Slide, StoredObject
from medulla.v1.events_pb2 import SlideEmbedded

from shared import keys
from shared.blob.port import BlobStore
from shared.units import CaseId, Sha256, SlideId

IN_TWO_CASES = "same_slide_in_two_cases"
"""Code of the remark on a slide that is also in another case."""
_CANDIDATES = 20
"""Most cases that are searched for a slide: a blank test slide may be in every case."""


def embedded(store: BlobStore, case: CaseId) -> list[SlideEmbedded]:
    """Every version of every embedded slide of the case, in order of slide id; without damaged entries."""
    return readable(entries(store, case))


def readable(listed: Mapping[str, SlideEmbedded | None]) -> list[SlideEmbedded]:
    """The events of entries that are not damaged, in order of slide id."""
    return sorted((event for event in listed.values() if event is not None), key=lambda event: event.slide.slide_id)


def entries(store: BlobStore, case: CaseId) -> Mapping[str, SlideEmbedded | None]:
    """The index entries of the case's slides by key; None for a damaged one."""
    listed = [info.key for info in store.list(keys.indexed_slides(case))]
    return {key: read_entry(store.get(key), case) for key in listed}


def read_entry(data: bytes, case: CaseId) -> SlideEmbedded | None:
    """The event of an entry of the case; None of a damaged one."""
    try:
        event = Parse(data, SlideEmbedded(), ignore_unknown_fields=True)
    except (ParseError, ValueError, RecursionError):
        return None
    return event if event.slide.case_id == case else None


def standing(store: BlobStore, case: CaseId) -> list[SlideEmbedded]:
    """The embedded slides of the case that stand in the bucket now, by every encoder, in order of slide id."""
    events = [event for event in embedded(store, case) if of_its_key(event.slide)]
    etags = present(store, case) if events else {}
    return [event for event in events if is_current(event.slide, etags)]


def fullest(events: Iterable[SlideEmbedded]) -> list[SlideEmbedded]:
    """The version with the most files of each slide: earlier ones with fewer files match the bucket too."""
    most: dict[str, SlideEmbedded] = {}
    for event in events:
        known = most.setdefault(event.slide.slide_id, event)
        if len(known.slide.files) < len(event.slide.files):
            most[event.slide.slide_id] = event
    return list(most.values())


def present(store: BlobStore, case: CaseId) -> Mapping[str, str]:
    """Etags by key of all files in the case's folder."""
    return {info.key: info.etag for info in store.list(keys.slides(case))}


def files(slide: Slide) -> tuple[StoredObject, ...]:
    """All files of a slide, the primary file first."""
    return (slide.object, *slide.files)


def is_current(slide: Slide, etags: Mapping[str, str]) -> bool:
    """Whether all files of a slide exist in the version that was embedded."""
    return all(etags.get(stored.key) == stored.etag for stored in files(slide))


def of_its_key(slide: Slide) -> bool:
    """Whether the slide's id follows from its key; older programs used the stem alone."""
    return keys.can_be(SlideId(slide.slide_id), slide.object.key)


def cases_of(store: BlobStore, digest: str) -> Iterator[CaseId]:
    """The cases that hold, or held, a slide of this digest, in order."""
    prefix = keys.cases_of(Sha256(digest))
    return (CaseId(info.key.removeprefix(prefix)) for info in store.list(prefix))


def other_holders(store: BlobStore, case: CaseId, digest: str) -> Iterator[CaseId]:
    """Other cases that have a slide of this digest now."""
    candidates = (other for other in cases_of(store, digest) if other != case)
    return (other for other in islice(candidates, _CANDIDATES) if _holds(store, other, digest))


def _holds(store: BlobStore, case: CaseId, digest: str) -> bool:
    slides = [event.slide for event in embedded(store, case) if event.slide.digest == digest]
    current = present(store, case) if slides else {}
    return any(of_its_key(slide) and is_current(slide, current) for slide in slides)
