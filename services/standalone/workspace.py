"""A folder that serves as the bucket: slides are linked into it, everything derived is written beside them."""

import re
from collections.abc import Iterator, Sequence
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


def find(paths: Sequence[Path]) -> Iterator[SlideFile]:
    """Slides of folders that hold `slides/{case_id}/{slide_id}.*`, and slides given one by one."""
    for path in paths:
        if path.is_dir():
            yield from _inside(path)
        else:
            yield named(path)


def _inside(folder: Path) -> Iterator[SlideFile]:
    slides = folder / "slides"
    if not slides.is_dir():
        raise NotASlideError(f"{folder} holds no folder slides/{{case_id}}/")
    for path in sorted(slides.glob("*/*")):
        if path.is_file() and not path.name.startswith("."):
            yield SlideFile(path, path.parent.name, path.stem)


def _point(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(target.resolve())
