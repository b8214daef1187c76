"""Which file of annotations belongs to which slide, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.standalone.annotations.errors import BadAnnotationsError, NotAnnotatedError, UnmatchedError
from services.standalone.annotations.feature_files import SUFFIXES
from services.standalone.errors import NothingFoundError
from services.standalone.local_slides import SlideFile
from shared.errors import PermanentError
from shared.file_names import is_hidden

Match = Path | PermanentError


@dataclass(frozen=True, eq=False)
class Matches:
    """The file of each slide, or why it has none, in the order of the slides; and files that are of no slide."""

    files: tuple[Match, ...]
    of_no_slide: tuple[Path, ...]


def match_files(slides: Sequence[SlideFile], folder: Path) -> Matches:
    """Find `{slide}.geojson`, .json or .zip of each slide in the folder, or in its subfolder of the case.

    The name is that of the slide's file with or without its suffix, as QuPath proposes it, or its id.

    Raises:
        NothingFoundError: there is no such folder, or no file of annotations in it.
    """
    listed = _listed(folder)
    own = [_of(slide, folder, listed) for slide in slides]
    holders: dict[Path, list[SlideFile]] = {}
    for slide, paths in zip(slides, own, strict=True):
        for path in paths:
            holders.setdefault(path, []).append(slide)
    files = tuple(_match(slide, paths, holders, folder) for slide, paths in zip(slides, own, strict=True))
    return Matches(files, tuple(path for path in listed.values() if path not in holders))


def _listed(folder: Path) -> dict[str, Path]:
    """Files by their path below the folder, in small letters and without suffix."""
    if not folder.is_dir():
        raise NothingFoundError(f"{folder} is no folder")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    shown = [path for path in paths if not is_hidden(path.relative_to(folder))]
    if not shown:
        raise NothingFoundError(f"{folder} holds no annotations ({', '.join(SUFFIXES)})")
    return {path.relative_to(folder).as_posix(): path for path in shown}


def _of(slide: SlideFile, folder: Path, listed: Mapping[str, Path]) -> list[Path]:
    """Files named after a slide: those below its case, else those of the folder itself."""
    names = {name.lower() for name in (slide.slide_id, slide.path.name, Path(slide.slide_id).stem, slide.path.stem)}
    named = [path for path in listed.values() if path.name.removesuffix(path.suffix).lower() in names]
    below = [path for path in named if path.parent == folder / slide.case_id]
    return below or [path for path in named if path.parent == folder]


def _match(slide: SlideFile, paths: Sequence[Path], holders: Mapping[Path, Sequence[SlideFile]], folder: Path) -> Match:
    where = f"slide {slide.slide_id} of case {slide.case_id}"
    if not paths:
        return NotAnnotatedError(f"{where} has no annotations {Path(slide.slide_id).stem}.geojson in {folder}")
    if len(paths) > 1:
        return BadAnnotationsError(f"{where} has two files of annotations, {paths[0]} and {paths[1]}; keep one")
    others = [other for other in holders[paths[0]] if other != slide]
    if others:
        also = f"slide {others[0].slide_id} of case {others[0].case_id}"
        return UnmatchedError(f"{paths[0]} could be of {where}, and of {also}")
    return paths[0]
