"""Resolves a command's arguments (files, folders, a table) to slides and refusals."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.standalone.errors import (
    BadSlideTableError,
    BadTableCaseError,
    NothingFoundError,
    SameSlideError,
    UnreadableFileError,
    refusal,
)
from services.standalone.local_slides import SlideFile, slide_at, slides_among
from services.standalone.slides_table import TableRow, read_table
from shared import file_names, keys, pseudonyms
from shared.errors import MedullaError, PermanentError
from shared.slides.companions import INDEXED

LOOKED_FOR = (
    "looked for slides in it, in {case}/ and in slides/{case}/: .svs .tif .tiff .ndpi .scn .mrxs .vms .vmu .bif "
    ".svslide, and DICOM of any name"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """An argument that cannot be used; the error's sentence may omit the path."""

    path: Path
    error: PermanentError
    case_id: str = ""
    slide_id: str = ""


Item = SlideFile | Refused


def select(paths: Sequence[Path], table: Path | None = None, case_id: str | None = None) -> list[Item]:
    """Slides and refusals of every argument in their order, then those of the table.

    A folder holds slides/{case}/…, {case}/…, or slides. Slides outside of a case folder are each a case of their own,
    or all of `case_id`. Files whose names are not those of slides are skipped.
    """
    items = [item for path in paths for item in _given(path, case_id)]
    selected = _without_conflicts(_named_first([*items, *(_listed(table) if table else ())], case_id))
    return selected or [Refused(path, NothingFoundError("passed over: no slide has such a name")) for path in paths]


def parted(items: Iterable[Item]) -> tuple[list[SlideFile], list[Refused]]:
    """Slides and refusals; at least one of them is not empty if there were arguments."""
    listed = list(items)
    slides = [item for item in listed if isinstance(item, SlideFile)]
    return slides, [item for item in listed if isinstance(item, Refused)]


def _given(path: Path, case_id: str | None) -> Iterator[Item]:
    unsuitable = _unsuitable(path)
    if unsuitable:
        yield Refused(path, unsuitable)
    elif path.is_dir():
        yield from _folder(path, case_id)
    elif not file_names.is_no_slide(path.name):
        yield from _tried(path, lambda: [slide_at(path, case_id)])


def _tried(path: Path, find: Callable[[], list[SlideFile]]) -> Sequence[Item]:
    """The slides, or the refusal if finding them fails."""
    try:
        return find()
    except (MedullaError, OSError) as error:
        return [Refused(path, refusal(error))]


def _unsuitable(path: Path) -> PermanentError | None:
    """Why a path is not a readable file or folder; None if it is."""
    try:
        if path.is_symlink() and not path.exists():
            return NothingFoundError(f"a link to {path.readlink()}, which is not there")
        if not path.exists():
            return NothingFoundError("no such file or folder")
        if not (path.is_dir() or path.is_file()):
            return UnreadableFileError("neither a file nor a folder")
        if path.is_dir():
            next(path.iterdir(), None)
        else:
            path.open("rb").close()
    except OSError as error:
        return UnreadableFileError(f"cannot be read: {error.strerror}")
    return None


def _folder(folder: Path, case_id: str | None) -> Iterator[Item]:
    nested = folder / keys.SLIDES
    items = list(_cases(nested if nested.is_dir() else folder, case_id))
    yield from items or [Refused(folder, NothingFoundError(f"no slide found; {LOOKED_FOR}"))]


def _cases(folder: Path, case_id: str | None) -> Iterator[Item]:
    """Slides directly in a folder, and those of its subfolders as cases."""
    entries = sorted(folder.iterdir())
    own = [path.name for path in entries if not path.is_dir()]
    indexed = {Path(name).stem for name in own if name.lower().endswith(INDEXED)}
    folders = [path for path in entries if path.is_dir() and not path.name.startswith(".")]
    yield from _among(folder, [*own, *(path.name for path in folders if path.name in indexed)], case_id)
    for path in folders:
        if path.name not in indexed:
            yield from (_in_case(item, path.name) for item in _among(path, ["."], path.name))


def _in_case(item: Item, case: str) -> Item:
    return replace(item, case_id=case) if isinstance(item, Refused) else replace(item, case_named=True)


def _among(folder: Path, names: Sequence[str], case_id: str | None) -> Iterator[Item]:
    """Slides among entries of a folder and its subfolders, and refusals of unreadable ones."""
    files, refused = [], []
    for path in _files(folder, names):
        unsuitable = _unsuitable(path)
        name = path.relative_to(folder).as_posix()
        if unsuitable is None:
            files.append(name)
        elif not file_names.is_no_slide(name):
            refused.append(Refused(path, unsuitable))
    yield from _tried(folder, lambda: slides_among(folder, files, case_id))
    yield from refused


def unreadable(folder: Path, passed_over: Callable[[str], bool]) -> Iterator[Refused]:
    """Unreadable files and folders and dangling links at any depth, except those with skipped names."""
    for path in _files(folder, ["."]):
        unsuitable = _unsuitable(path)
        if unsuitable and not passed_over(path.relative_to(folder).as_posix()):
            yield Refused(path, unsuitable)


def _files(folder: Path, names: Sequence[str]) -> Iterator[Path]:
    """Files at any depth, and folders that cannot be read; linked folders are entered once."""
    listed = set[Path]()
    pending = [folder / name for name in reversed(names)]
    while pending:
        path = pending.pop()
        if not path.is_dir() or _unsuitable(path):
            yield path
        elif path.resolve() not in listed and not _is_workspace(path):
            listed.add(path.resolve())
            pending += sorted(path.iterdir(), reverse=True)


def _is_workspace(folder: Path) -> bool:
    """Whether Medulla wrote this folder, whose links are the slides of another folder."""
    roots = folder, folder / "store"
    return any((root / "plans").is_dir() and (root / keys.SLIDES).is_dir() for root in roots)


def _listed(table: Path) -> Iterator[Item]:
    try:
        rows = read_table(table)
    except PermanentError as error:
        yield Refused(table, error)
        return
    for row in rows:
        yield from [Refused(table, row)] if isinstance(row, PermanentError) else _row(table, row)


def _row(table: Path, row: TableRow) -> Iterator[Item]:
    unsuitable = _unsuitable(row.path)
    if unsuitable:
        items: list[Item] = [Refused(row.path, unsuitable)]
    elif row.path.is_dir():
        items = list(_among(row.path, ["."], row.case_id))
    else:
        items = list(_tried(row.path, lambda: [slide_at(row.path, row.case_id)]))
    if not items:
        items = [Refused(row.path, NothingFoundError(f"no slide found; {LOOKED_FOR}"))]
    for item in items:
        yield _of_row(item, row, f"line {row.line} of {table}", alone=len(items) == 1)


def _of_row(item: Item, row: TableRow, where: str, *, alone: bool) -> Item:
    """Apply a row's case, slide id and resolution to a slide."""
    if isinstance(item, Refused):
        return replace(item, case_id=row.case_id, slide_id=row.slide_id)
    if not pseudonyms.is_pseudonym(row.case_id):
        fault = f"case_id is {row.case_id!a} in {where}, allowed are {pseudonyms.PSEUDONYM}"
        return Refused(row.path, BadTableCaseError(fault), row.case_id, row.slide_id)
    slide = replace(item, mpp=row.mpp, case_named=True)
    if not row.slide_id:
        return slide
    if item.others or not alone:
        fault = f"{where} gives one slide_id to several files; leave it empty, their own names serve"
        return Refused(row.path, BadSlideTableError(fault), row.case_id, row.slide_id)
    suffix = item.path.suffix
    name = row.slide_id if row.slide_id.lower().endswith(suffix.lower()) else row.slide_id + suffix
    if pseudonyms.slide_id(name) != name:
        fault = f"slide_id is {row.slide_id!a} in {where}, allowed are {pseudonyms.PSEUDONYM}"
        return Refused(row.path, BadSlideTableError(fault), row.case_id)
    return replace(slide, slide_id=pseudonyms.slide_id(name), name=name)


def _named_first(items: Sequence[Item], case_id: str | None) -> list[Item]:
    """Of a file that was given twice, with a case and without, only the one with a case."""
    named = {item.path.resolve() for item in items if isinstance(item, SlideFile) and item.case_named}
    return [item for item in items if case_id or not _is_nameless(item) or item.path.resolve() not in named]


def _is_nameless(item: Item) -> bool:
    return isinstance(item, SlideFile) and not item.case_named


def _with_one_resolution(items: Iterable[Item]) -> list[Item]:
    """Slides with the resolution that a table states for their file, wherever else it is given; two are refused."""
    listed = list(items)
    stated: dict[tuple[str, Path], set[float]] = {}
    for slide in listed:
        if isinstance(slide, SlideFile) and slide.mpp is not None:
            stated.setdefault((slide.case_id, slide.path.resolve()), set()).add(slide.mpp)
    return [_resolved(item, stated) for item in listed]


def _resolved(item: Item, stated: Mapping[tuple[str, Path], Collection[float]]) -> Item:
    if isinstance(item, Refused):
        return item
    values = sorted(stated.get((item.case_id, item.path.resolve()), ()))
    if len(values) > 1:
        fault = f"the table gives it the resolutions {values[0]:g} and {values[1]:g} um/px; leave the right one"
        return Refused(item.path, BadSlideTableError(fault), item.case_id, item.slide_id)
    return replace(item, mpp=values[0]) if values else item


def _without_conflicts(items: Iterable[Item]) -> list[Item]:
    """One file given twice counts once; two files that would be one slide of one case are both refused."""
    kept = list(dict.fromkeys(_with_one_resolution(items)))
    same: dict[tuple[str, str], dict[Path, SlideFile]] = {}
    for slide in kept:
        if isinstance(slide, SlideFile):
            same.setdefault((slide.case_id, slide.slide_id), {}).setdefault(slide.path.resolve(), slide)
    return [_alone(item, same) for item in kept if isinstance(item, Refused) or item in _firsts(item, same)]


def _alone(item: Item, same: Mapping[tuple[str, str], Mapping[Path, SlideFile]]) -> Item:
    others = [] if isinstance(item, Refused) else [slide for slide in _firsts(item, same) if slide != item]
    if isinstance(item, Refused) or not others:
        return item
    fault = f"slide {item.slide_id} of case {item.case_id} would be {others[0].path} as well"
    return Refused(item.path, SameSlideError(fault), item.case_id, item.slide_id)


def _firsts(slide: SlideFile, same: Mapping[tuple[str, str], Mapping[Path, SlideFile]]) -> Collection[SlideFile]:
    """The different files that would be this slide of this case."""
    return same[slide.case_id, slide.slide_id].values()
