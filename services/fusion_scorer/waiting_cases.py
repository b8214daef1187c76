"""Counts the cases that wait for an encoder, by listings: most slides are one file, whose index entry can be named."""

from collections import defaultdict
from collections.abc import Collection, Mapping

from services.fusion_scorer.case_index import entry_key
from services.fusion_scorer.encoder_bags import waits
from shared import keys, pseudonyms
from shared.blob.port import BlobInfo, BlobStore
from shared.case_walk import ListedCase, walk
from shared.keys import BadCaseIdError, SlideKey
from shared.model.manifest import EncoderRef
from shared.slides.served_encoders import served_encoders


def waiting_cases(store: BlobStore, encoder: EncoderRef) -> int:
    """How many cases have a slide with bags, and none of this encoder; only what listings leave open is read."""
    others = served_encoders(store) - {encoder.digest}
    return sum(
        waits(store, encoder, case.case_id) if (listed := _waits(case, encoder.digest, others)) is None else listed
        for case in walk(store, keys.SLIDES, keys.CASES)
    )


def _waits(case: ListedCase, encoder: str, others: Collection[str]) -> bool | None:
    """Whether a case waits, as far as its listing says; None where it does not."""
    prefix = keys.indexed_slides(case.case_id)
    entries = {info.key for info in case.below(keys.CASES) if info.key.startswith(prefix)}
    files = _files(case)
    answers = {_slide_waits(files, entry, entries, encoder, others) for entry in entries}
    return True if True in answers else None if None in answers else False


def _slide_waits(
    files: Mapping[str, list[tuple[SlideKey, BlobInfo]]],
    entry: str,
    entries: Collection[str],
    encoder: str,
    others: Collection[str],
) -> bool | None:
    """The same of the slide of an entry; one of which no file is left waits for nothing."""
    slide = entry.rpartition("/")[2].rpartition("@")[0]
    if slide not in files:
        return None if pseudonyms.is_series(slide) else False
    for key, info in files[slide]:
        if _entry(key, info, encoder) in entries:
            return False
        if any(_entry(key, info, other) in entries for other in others):
            return True
    return None


def _entry(slide: SlideKey, info: BlobInfo, encoder: str) -> str:
    return entry_key(slide, [(info.key, info.etag)], encoder)


def _files(case: ListedCase) -> Mapping[str, list[tuple[SlideKey, BlobInfo]]]:
    """The case's files by the id that their name gives a slide."""
    files = defaultdict[str, list[tuple[SlideKey, BlobInfo]]](list)
    for info in case.below(keys.SLIDES):
        try:
            slide = keys.slide_key(info.key)
        except BadCaseIdError:
            continue
        if slide is not None:
            files[slide.slide_id].append((slide, info))
    return dict(files)
