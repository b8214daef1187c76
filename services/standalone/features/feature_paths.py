"""The feature files that a command line names, each with its case; a case is never guessed."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from services.standalone.errors import NothingFoundError, SameSlideError
from services.standalone.features.errors import NamelessFileError
from services.standalone.features.pt_file import SUFFIX as TENSORS
from services.standalone.selection import Refused
from services.standalone.slides_table import TableRow, read_table
from shared import pseudonyms
from shared.errors import PermanentError
from shared.file_names import is_hidden
from shared.units import CaseId, SlideId

SUFFIXES = (".h5", ".hdf5")
_OF_TOOLS = re.compile(r"((slide|patch)_)?features_.*|h5_files|pt_files|patches|.*_overlap", re.IGNORECASE)
"""Folders that TRIDENT and CLAM make, whose names are no cases."""


@dataclass(frozen=True, slots=True)
class FeaturePath:
    """One feature file and its slide."""

    path: Path
    case_id: CaseId
    slide_id: SlideId
    mpp: float | None = None
    """Level-0 microns per pixel that a table states."""


Item = FeaturePath | Refused


def feature_paths(
    paths: Sequence[Path],
    table: Path | None,
    case_from: re.Pattern[str] | None,
    passed_over: Callable[[Path], bool] = lambda _: False,
) -> list[Item]:
    """The files of all arguments, and those that the table names itself, in their order.

    A row of the table is of the file at its path, or of the file that is named like it but for the suffix.
    Of folders the .h5 files are left out of which `passed_over` says so.
    """
    named = [(path, file) for path in paths for file in _files(path, passed_over)]
    if table is None:
        return _different([_without_table(root, file, case_from) for root, file in named])
    try:
        rows = read_table(table, case_from and (lambda stem: _matched(case_from, stem)))
    except PermanentError as error:
        return [Refused(table, error)]
    bad = [Refused(table, row) for row in rows if isinstance(row, PermanentError)]
    return _different(
        [*_by_table([file for _, file in named], [r for r in rows if isinstance(r, TableRow)], table), *bad]
    )


def _files(path: Path, passed_over: Callable[[Path], bool]) -> list[Path]:
    """The path itself, or the feature files below a folder: its .h5, where it has none its .pt."""
    if not path.is_dir():
        return [path]
    below = [file for file in sorted(path.rglob("*")) if not is_hidden(file.relative_to(path))]
    arrays = [file for file in below if file.suffix.lower() in SUFFIXES and file.is_file() and not passed_over(file)]
    return arrays or [file for file in below if file.suffix.lower() == TENSORS and file.is_file()] or [path]


def _without_table(root: Path, file: Path, case_from: re.Pattern[str] | None) -> Item:
    if not file.is_file():
        return _absent(file)
    stem = slide_name(file)
    if case_from is not None:
        case = _matched(case_from, stem)
        where = "--case-from does not match its name" if case is None else f"--case-from finds {case!a} in its name"
    else:
        inner = file.relative_to(root).parts if root != file else ()
        case = inner[0] if len(inner) == 2 and not _OF_TOOLS.fullmatch(inner[0]) else None
        where = f"its folder is {inner[0]!a}" if case else "nothing says which case it is of"
    if not case or not pseudonyms.is_pseudonym(case):
        return Refused(file, NamelessFileError(f"{where}; a case is {pseudonyms.PSEUDONYM}"))
    return FeaturePath(file, CaseId(case), pseudonyms.slide_id(stem))


def _matched(case_from: re.Pattern[str], stem: str) -> str | None:
    """What an expression takes for the case: its first group, or the whole match; None where it matches nothing."""
    match = case_from.search(stem)
    return (match.group(1 if case_from.groups else 0) or "") if match else None


def slide_name(file: Path) -> str:
    """The name of a file's slide: without the suffix, and without the .ome that TRIDENT takes for part of it."""
    return file.stem.removesuffix(".ome")


def _by_table(files: Sequence[Path], rows: Sequence[TableRow], table: Path) -> Iterator[Item]:
    listed = {file.resolve(): file for file in [*files, *(row.path for row in rows if _is_own(row))]}
    taken = set[int]()
    for resolved, file in listed.items():
        own = [row for row in rows if row.path.resolve() == resolved]
        matching = own or [row for row in rows if not _is_own(row) and slide_name(row.path) == slide_name(file)]
        taken.update(row.line for row in matching)
        yield _of_rows(file, matching, table)
    for row in rows:
        if row.line not in taken:
            absent = NothingFoundError(f"line {row.line} of {table} names it, and no feature file is named like it")
            yield Refused(row.path, absent, row.case_id, row.slide_id)


def _is_own(row: TableRow) -> bool:
    """Whether a row names a feature file that is there; STAMP's tables name them from a folder that is not stated."""
    return _is_feature_file(row.path) and row.path.is_file()


def _is_feature_file(path: Path) -> bool:
    return path.suffix.lower() in (*SUFFIXES, TENSORS)


def _of_rows(file: Path, rows: Sequence[TableRow], table: Path) -> Item:
    if not file.is_file():
        return replace(_absent(file), case_id=rows[0].case_id if rows else "")
    if len(rows) != 1:
        which = (
            f"lines {', '.join(str(row.line) for row in rows)} of {table} are of it" if rows else f"{table} lacks it"
        )
        return Refused(file, NamelessFileError(which))
    (row,) = rows
    if not (pseudonyms.is_pseudonym(row.case_id) and (not row.slide_id or pseudonyms.is_pseudonym(row.slide_id))):
        fault = f"line {row.line} of {table} names case and slide {row.case_id!a} {row.slide_id!a}"
        return Refused(file, NamelessFileError(f"{fault}; allowed are {pseudonyms.PSEUDONYM}"))
    slide = row.slide_id or pseudonyms.slide_id(slide_name(file) if _is_feature_file(row.path) else row.path.name)
    return FeaturePath(file, CaseId(row.case_id), SlideId(slide), row.mpp)


def _absent(path: Path) -> Refused:
    if path.is_dir():
        return Refused(path, NothingFoundError("holds no .h5 or .pt file"))
    return Refused(path, NothingFoundError("no such file or folder"))


def _different(items: Iterable[Item]) -> list[Item]:
    """A file named twice counts once; two files that would be one slide of one case are both refused."""
    kept = list(dict.fromkeys(items))
    holders: dict[tuple[str, str], list[FeaturePath]] = {}
    for item in kept:
        if isinstance(item, FeaturePath):
            holders.setdefault((item.case_id, item.slide_id), []).append(item)
    return [_alone(item, holders) for item in kept]


def _alone(item: Item, holders: dict[tuple[str, str], list[FeaturePath]]) -> Item:
    if isinstance(item, Refused):
        return item
    others = [other for other in holders[item.case_id, item.slide_id] if other.path.resolve() != item.path.resolve()]
    if not others:
        return item
    fault = f"slide {item.slide_id} of case {item.case_id} would be {others[0].path} as well"
    return Refused(item.path, SameSlideError(fault), item.case_id, item.slide_id)
