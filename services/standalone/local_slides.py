"""Groups local files into slides by the same rules as in the bucket."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from services.tiler.errors import IncompleteSeriesError, NotASlideError, UnreadableSlideError
from services.tiler.in_place import at_hand, slide_digest, starts_as_dicom
from shared import pseudonyms
from shared.blob.folder import FolderStore
from shared.blob.port import BlobInfo
from shared.slides.companions import INDEXED
from shared.slides.listing import FoundSlide, SlideListing
from shared.units import Sha256


@dataclass(frozen=True, slots=True)
class SlideFile:
    """One local slide and its case."""

    path: Path
    """Its primary file."""
    case_id: str
    slide_id: str
    name: str = ""
    """Its name below the case, from which the slide id is derived; empty if equal to the id."""
    others: tuple[Path, ...] = ()
    """Its other files: of a DICOM series, of MIRAX and the like."""
    members: tuple[Path, ...] = ()
    """All files that belong to it, labels included."""
    missing: str = ""
    """What is missing, as a sentence; empty if it can be processed."""
    mpp: float | None = None
    """Microns per pixel that a table of slides states."""
    case_named: bool = False
    """Whether a folder or table names the case, not the file itself."""

    @property
    def files(self) -> tuple[Path, ...]:
        """All its files."""
        return (self.path, *self.others)

    @property
    def digest(self) -> Sha256:
        """Digest of the slide."""
        return slide_digest(self.files)

    def at_hand(self) -> AbstractContextManager[Path]:
        """The path that a reader opens."""
        return at_hand(self.files)

    def check(self) -> None:
        """Refuse a slide with missing files.

        Raises:
            NotASlideError: there is no such file.
            IncompleteSeriesError, UnreadableSlideError: one of its files is missing.
        """
        if not self.path.is_file():
            raise NotASlideError(f"{self.path} is no file")
        if self.missing:
            kind = IncompleteSeriesError if pseudonyms.is_series(self.slide_id) else UnreadableSlideError
            raise kind(self.missing)


def slides_among(folder: Path, names: Iterable[str], case_id: str | None = None) -> list[SlideFile]:
    """The slides among files of a folder, in the order of their names, which are relative to it.

    Ids come from names below the folder, as they do from names below `slides/{case_id}/` in the bucket. Without
    `case_id` each slide is its own case.
    """
    store = FolderStore(folder)
    infos = (store.head(name) for name in names)
    return _slide_files(folder, (info for info in infos if info is not None), case_id)


def slide_at(path: Path, case_id: str | None = None) -> SlideFile:
    """The slide that a file belongs to: with the rest of its series and its companions, if any.

    A file that is skipped in folders is used if it is named explicitly.
    """
    alone = SlideFile(path, case_id or pseudonyms.case_named(path.stem), pseudonyms.slide_id(path.name), path.name)
    if not (path.is_file() and (path.name.lower().endswith(INDEXED) or starts_as_dicom(path))):
        return alone
    slides = _slide_files(path.parent, _beside([file for file in path.parent.iterdir() if file.is_file()]), case_id)
    return next((slide for slide in slides if path in slide.members), alone)


def _beside(files: Sequence[Path]) -> Iterator[BlobInfo]:
    """Files of one folder, and those in subfolders named after one of its index files."""
    store = FolderStore(files[0].parent)
    infos: Iterable[BlobInfo | None] = (store.head(file.name) for file in sorted(files))
    yield from (info for info in infos if info is not None)
    for file in files:
        if file.name.lower().endswith(INDEXED):
            yield from store.list(f"{file.stem}/")


def _slide_files(folder: Path, objects: Iterable[BlobInfo], case_id: str | None = None) -> list[SlideFile]:
    return [_on_disk(folder, slide, case_id) for slide in SlideListing(FolderStore(folder)).slides(objects, "")]


def _on_disk(folder: Path, slide: FoundSlide, case_id: str | None) -> SlideFile:
    name = slide.files[0].key
    own_case = slide.slide_id if slide.is_series else Path(name).with_suffix("").as_posix()
    first, *others = (folder / info.key for info in slide.files)
    missing = "" if slide.is_complete else slide.missing
    members = tuple(folder / info.key for info in slide.members)
    return SlideFile(
        first, case_id or pseudonyms.case_named(own_case), slide.slide_id, name, tuple(others), members, missing
    )
