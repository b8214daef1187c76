"""The first bytes of a slide's DICOM files, where the slide still stands in the version that was embedded."""

from itertools import islice

from medulla.v1.common_pb2 import StoredObject

from shared.blob.port import BlobStore, ObjectChangedError
from shared.slides.dicom import is_dicom
from shared.slides.embedded import embedded, files, is_current, present
from shared.units import CaseId

_BYTES = 1_048_576
"""Read of each file, enough for a header without the places of its frames."""
_FILES = 64


def dicom_heads(store: BlobStore, case: CaseId, digest: str) -> list[bytes]:
    """The first bytes of a slide's files, the primary file's first; none if it does not stand or is no DICOM."""
    slides = [event.slide for event in embedded(store, case) if event.slide.digest == digest]
    etags = present(store, case) if slides else {}
    slide = next((slide for slide in slides if is_current(slide, etags)), None)
    heads = [] if slide is None else [_head(store, stored) for stored in islice(files(slide), _FILES)]
    return [head for head in heads if is_dicom(head)]


def _head(store: BlobStore, stored: StoredObject) -> bytes:
    """The start of an object; empty where it has just gone."""
    info = store.head(stored.key)
    try:
        return store.get_range(info, 0, min(_BYTES, info.size)) if info else b""
    except ObjectChangedError:
        return b""
