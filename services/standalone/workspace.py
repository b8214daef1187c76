"""A folder that serves as the bucket: slides are linked into it, everything derived is written beside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

from services.tiler.errors import NotASlideError
from shared import keys
from shared.blob.folder import FolderStore

_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class SlideFile:
    """One slide on this machine, and whose it is."""

    path: Path
    case_id: str
    slide_id: str
    mpp: float | None = None
    """Microns per pixel that a table of slides states."""
    case_named: bool = False
    """Its folder or a table names the case; else the file's own name does."""


@dataclass(frozen=True)
class Workspace:
    """The folder `root`, as a store."""

    root: Path

    @property
    def store(self) -> FolderStore:
        """The folder as object store."""
        return FolderStore(self.root)

    def link(self, slide: SlideFile) -> str:
        """Link a slide, and the folder of its companions, into the store; its key.

        Raises:
            BadCaseIdError: case or slide id is no pseudonym.
            NotASlideError: there is no such file.
        """
        if not slide.path.is_file():
            raise NotASlideError(f"{slide.path} is no file")
        key = f"{keys.SLIDES}{slide.case_id}/{slide.slide_id}{slide.path.suffix}"
        keys.slide_key(key)
        _point(self.root / key, slide.path)
        companions = slide.path.with_suffix("")
        if companions.is_dir():
            _point((self.root / key).with_suffix(""), companions)
        return key


def open_workspace(root: Path) -> Workspace:
    """Make the folder where it is missing.

    Raises:
        OSError: it cannot be made or written to.
    """
    root.mkdir(parents=True, exist_ok=True)
    with TemporaryFile(dir=root):
        return Workspace(root)


def named(path: Path, case_id: str | None = None) -> SlideFile:
    """A slide given by path alone: its file name, made a pseudonym, names it and, without `case_id`, its case."""
    slide_id = pseudonym(path.stem)
    return SlideFile(path, case_id or slide_id, slide_id)


def pseudonym(text: str) -> str:
    """The nearest text that is allowed as an id."""
    return _STRANGE.sub("-", text).strip("-.")[:64] or "slide"


def slides_of(files: Sequence[Path]) -> list[SlideFile]:
    """Slides among files of one folder, each a case of its own; companions and unfinished uploads are passed over."""
    return [named(path) for path in sorted(files) if not path.name.startswith(".")]


def slides_below(folder: Path) -> list[SlideFile]:
    """Slides at any depth of a case's folder."""
    return slides_of([path for path in folder.rglob("*") if path.is_file()])


def _point(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(target.resolve())
