"""Groups the objects of a case into slides."""

import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from shared import file_names, pseudonyms
from shared.blob.port import BlobInfo, BlobStore, ObjectChangedError
from shared.canonical import digest_of
from shared.errors import TransientError
from shared.slides import dicom
from shared.slides.companions import INDEXED, companions
from shared.slides.dicom import Instance, Role
from shared.slides.dicom_elements import CutShortError
from shared.slides.series import assemble
from shared.units import SlideId

_HEADS = (16_384, 262_144, 1_048_576)
"""How many bytes of a file are read for its DICOM header, tried in turn until one suffices."""
_REMEMBERED = 100_000
_INDEX_BYTES = 1_048_576


class Stored(Protocol):
    """An object and its version: a `BlobInfo`, or a `StoredObject` of a message."""

    @property
    def key(self) -> str:
        """Its key in the bucket."""

    @property
    def etag(self) -> str:
        """Its version."""


def version(files: Sequence[Stored]) -> str:
    """The version of a slide: the etag of a single file, else a digest of all keys and etags."""
    return files[0].etag if len(files) == 1 else digest_of([[file.key, file.etag] for file in files])


@dataclass(frozen=True, slots=True)
class FoundSlide:
    """A slide of a case and its files."""

    slide_id: SlideId
    files: tuple[BlobInfo, ...]
    """The files to read: the primary file first, the others in key order."""
    members: tuple[BlobInfo, ...]
    """All files that belong to it, including labels and unusable parts."""
    is_series: bool = False
    missing: str = ""
    """What is missing, as a sentence; empty if the slide is complete."""
    is_complete: bool = True
    """Whether it can be processed even if something is missing."""

    @property
    def version(self) -> str:
        """Which version of the slide its files are."""
        return version(self.files)


class SlideListing:
    """Groups files into slides; caches parsed DICOM headers by version."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._known: OrderedDict[tuple[str, str], Instance | None] = OrderedDict()
        self._lock = threading.Lock()

    def of_case(self, prefix: str) -> list[FoundSlide]:
        """The slides below `slides/{case}/`.

        Raises:
            TransientError: the store is down, or a file changed while it was looked at.
        """
        return self.slides(self._blobs.list(prefix), prefix)

    def slides(self, objects: Iterable[BlobInfo], prefix: str) -> list[FoundSlide]:
        """The slides among objects of one case, whose names begin after `prefix`, in the order of their keys."""
        named = {info.key.removeprefix(prefix): info for info in objects}
        indexed = [self._indexed(name, named) for name in named if _is_slide(name, INDEXED)]
        taken = {member.key for slide in indexed for member in slide.members}
        rest = {name: info for name, info in named.items() if _is_slide(name) and info.key not in taken}
        heads = {name: self._instance(info) for name, info in rest.items()}
        single = [_single(name, info) for name, info in rest.items() if heads[name] is None]
        return sorted([*indexed, *single, *_series(rest, heads)], key=lambda slide: slide.files[0].key)

    def _indexed(self, name: str, named: Mapping[str, BlobInfo]) -> FoundSlide:
        """A slide whose first file lists the others."""
        own = named[name]
        required = dict(companions(name, lambda file: self._text(named.get(file))))
        absent = sorted(file for file, needed in required.items() if needed and file not in named)
        others = sorted((named[file] for file in required if file in named and file != name), key=lambda info: info.key)
        missing = f"the slide lacks {len(absent)} of its files: {', '.join(absent[:5])}" if absent else ""
        return FoundSlide(
            pseudonyms.slide_id(name), (own, *others), (own, *others), missing=missing, is_complete=not absent
        )

    def _text(self, info: BlobInfo | None) -> str | None:
        if info is None:
            return None
        return self._read(info, _INDEX_BYTES).decode("utf-8", errors="replace")

    def _instance(self, info: BlobInfo) -> Instance | None:
        at = (info.key, info.etag)
        with self._lock:
            if at in self._known:
                self._known.move_to_end(at)
                return self._known[at]
        read = self._header(info)
        with self._lock:
            self._known[at] = read
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return read

    def _header(self, info: BlobInfo) -> Instance | None:
        head = self._read(info, dicom.PREAMBLE)
        if not dicom.is_dicom(head):
            return None
        for size in _HEADS:
            try:
                return dicom.parse(self._read(info, size))
            except CutShortError:
                if size >= info.size:
                    break
        return None

    def _read(self, info: BlobInfo, size: int) -> bytes:
        if not info.size:
            return b""
        try:
            return self._blobs.get_range(info, 0, min(size, info.size))
        except ObjectChangedError as error:
            raise TransientError("an object of the case changed while it was looked at") from error


def _is_slide(name: str, suffixes: tuple[str, ...] = ("",)) -> bool:
    return not file_names.is_no_slide(name) and name.lower().endswith(suffixes)


def _single(name: str, info: BlobInfo) -> FoundSlide:
    return FoundSlide(pseudonyms.slide_id(name), (info,), (info,))


def _series(rest: Mapping[str, BlobInfo], heads: Mapping[str, Instance | None]) -> Iterable[FoundSlide]:
    members = defaultdict[str, list[tuple[BlobInfo, Instance]]](list)
    for name, instance in heads.items():
        if instance is not None and instance.role is not Role.COMPANION:
            members[instance.series].append((rest[name], instance))
    for uid, files in members.items():
        series = assemble(files)
        everything = tuple(info for info, _ in files)
        yield FoundSlide(pseudonyms.series_id(uid), series.files, everything, True, series.missing, series.is_complete)
