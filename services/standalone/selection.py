"""What a command was given to work on: files, flat and nested folders and a table, as slides and as refusals."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.standalone.errors import BadSlideTableError, NothingFoundError, SameSlideError, UnreadableFileError
from services.standalone.slides_table import TableRow, read_table
from services.standalone.workspace import SlideFile, slides_below, slides_of
from shared import keys
from shared.errors import PermanentError

LOOKED_FOR = (
    "looked for slides in it, in {case}/ and in slides/{case}/: .svs .tif .tiff .ndpi .scn .mrxs .vms .vmu .bif "
    ".svslide, and DICOM of any name"
)


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was given and cannot be worked on; the error's sentence may leave the path out."""

    path: Path
    error: PermanentError
    case_id: str = ""
    slide_id: str = ""


Item = SlideFile | Refused


def select(paths: Sequence[Path], table: Path | None = None, case_id: str | None = None) -> list[Item]:
    """Slides of every argument in their order, then those of the table; what is unsuitable stands among them.

    A folder holds slides/{case}/…, or {case}/…, or slides themselves; such, and files given one by one, are each a
    case of their own, or all of `case_id`.
    """
    items = [item for path in paths for item in _given(path, case_id)]
    return _told_apart([*items, *(_listed(table) if table else ())])


def parted(items: Iterable[Item]) -> tuple[list[SlideFile], list[Refused]]:
    """Slides, and what was refused; at least one of the two holds something where anything was given."""
    listed = list(items)
    slides = [item for item in listed if isinstance(item, SlideFile)]
    return slides, [item for item in listed if isinstance(item, Refused)]


def _given(path: Path, case_id: str | None) -> Iterator[Item]:
    refusal = _unsuitable(path)
    if refusal:
        yield Refused(path, refusal)
    elif path.is_dir():
        yield from _folder(path, case_id)
    else:
        yield from _own_cases(slides_of([path]), case_id)


def _unsuitable(path: Path) -> PermanentError | None:
    """Why a path is neither a file nor a folder that can be read."""
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
    nested = folder / "slides"
    found = [*_cases(nested if nested.is_dir() else folder, case_id), *_dangling(folder)]
    if not found:
        found = [Refused(folder, NothingFoundError(f"no slide found; {LOOKED_FOR}"))]
    yield from found


def _cases(folder: Path, case_id: str | None) -> Iterator[Item]:
    """Slides directly in a folder, and those of its subfolders as cases."""
    entries = sorted(folder.iterdir())
    stems = {path.stem for path in entries if path.is_file()}
    yield from _own_cases(slides_of([path for path in entries if path.is_file()]), case_id)
    for path in entries:
        if path.is_dir() and path.name not in stems and not path.name.startswith("."):
            yield from _case(path)


def _case(folder: Path) -> Iterator[Item]:
    refusal = _unsuitable(folder)
    if refusal:
        yield Refused(folder, refusal, folder.name)
    elif not _is_workspace(folder):
        yield from (replace(slide, case_id=folder.name, case_named=True) for slide in slides_below(folder))


def _own_cases(slides: Iterable[SlideFile], case_id: str | None) -> Iterator[SlideFile]:
    for slide in slides:
        yield replace(slide, case_id=case_id) if case_id else slide


def _is_workspace(folder: Path) -> bool:
    """Whether Medulla wrote this folder: its links are the slides of some other folder."""
    roots = folder, folder / "store"
    return any((root / "plans").is_dir() and (root / keys.SLIDES).is_dir() for root in roots)


def _dangling(folder: Path) -> Iterator[Refused]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not path.exists():
            yield Refused(path, NothingFoundError(f"a link to {path.readlink()}, which is not there"))


def _listed(table: Path) -> Iterator[Item]:
    try:
        rows = read_table(table)
    except PermanentError as error:
        yield Refused(table, error)
        return
    for row in rows:
        yield from [Refused(table, row)] if isinstance(row, PermanentError) else _row(table, row)


def _row(table: Path, row: TableRow) -> Iterator[Item]:
    refusal = _unsuitable(row.path)
    slides = [] if refusal else slides_below(row.path) if row.path.is_dir() else slides_of([row.path])
    if not slides:
        yield Refused(row.path, refusal or NothingFoundError(f"no slide found; {LOOKED_FOR}"), row.case_id)
    elif row.slide_id and len(slides) > 1:
        fault = f"line {row.line} of {table} names slide {row.slide_id}, but {row.path} holds {len(slides)}"
        yield Refused(row.path, BadSlideTableError(fault), row.case_id, row.slide_id)
    else:
        for slide in slides:
            slide_id = _with_suffix(row.slide_id, slide.path) if row.slide_id else slide.slide_id
            yield replace(slide, case_id=row.case_id, slide_id=slide_id, mpp=row.mpp, case_named=True)


def _with_suffix(slide_id: str, path: Path) -> str:
    return slide_id if slide_id.endswith(path.suffix) else slide_id + path.suffix


def _told_apart(items: Iterable[Item]) -> list[Item]:
    """One file given twice counts once; two files that would be one slide of one case are both refused."""
    kept = list(dict.fromkeys(items))
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
