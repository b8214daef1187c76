"""A folder that serves as the bucket: slides are linked into it, derived files are written next to them."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryFile

from services.standalone.local_slides import SlideFile
from shared import keys, pseudonyms
from shared.blob.folder import FolderStore
from shared.blob.port import BlobInfo, ObjectChangedError


@dataclass(frozen=True)
class Workspace:
    """The folder `root`, as a store."""

    root: Path

    @property
    def store(self) -> FolderStore:
        """The folder as object store."""
        return FolderStore(self.root)

    def link(self, slide: SlideFile) -> tuple[BlobInfo, ...]:
        """Link a slide's files into the store; returns their infos, the primary file first.

        Raises:
            BadCaseIdError: the case's id is no pseudonym.
            SlideError: there is no such file, or one of the slide's files is missing.
        """
        slide.check()
        keys.case_id(slide.case_id, str(slide.path))
        return tuple(self._link(name, slide.case_id, path) for name, path in _names(slide).items())

    def _link(self, name: str, case_id: str, path: Path) -> BlobInfo:
        key = f"{keys.SLIDES}{case_id}/{name}"
        _point(self.root / key, path)
        info = self.store.head(key)
        if info is None:
            raise ObjectChangedError(f"{path} disappeared")
        return info


def _names(slide: SlideFile) -> dict[str, Path]:
    """Names of a slide's files below the case: their own, or numbers where only the contents matter."""
    if pseudonyms.is_series(slide.slide_id):
        return {f"{slide.slide_id}/{number:05d}.dcm": path for number, path in enumerate(slide.files)}
    name = slide.name or slide.slide_id
    folder = PurePosixPath(name).parent
    companions = {str(folder / path.relative_to(slide.path.parent)): path for path in slide.others}
    return {name: slide.path, **companions}


def open_workspace(root: Path) -> Workspace:
    """Create the folder if it is missing.

    Raises:
        OSError: it cannot be created or written to.
    """
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=root):
        return Workspace(root)


def _point(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(target.resolve())
