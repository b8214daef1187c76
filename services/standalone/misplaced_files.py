"""Finds slides and records that lie in a watched folder beside `slides/` and `clinical/`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from services.standalone.errors import MisplacedFileError
from services.standalone.selection import Refused
from shared import keys

_SLIDES = (".svs", ".tif", ".tiff", ".ndpi", ".scn", ".mrxs", ".vms", ".vmu", ".bif", ".svslide", ".dcm")
_MOST = 100
"""Files that are looked for in one folder."""


def misplaced_files(root: Path) -> Iterator[Refused]:
    """Slides and records in a folder itself, and slides in its subfolders that are not Medulla's own."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            yield from _in_folder(path)
        elif _is_slide(path):
            yield _misplaced(path, f"{keys.SLIDES}CASE/{path.name}")
        elif path.suffix.lower() == ".json" and not path.name.startswith("."):
            yield _misplaced(path, f"{keys.CLINICAL}{path.name}, the name being that of its case")


def _in_folder(folder: Path) -> Iterator[Refused]:
    if folder.name not in keys.FOLDERS and not folder.name.startswith("."):
        for path in islice(filter(_is_slide, sorted(folder.rglob("*"))), _MOST):
            yield _misplaced(path, f"{keys.SLIDES}{path.relative_to(folder.parent).as_posix()}")


def _is_slide(path: Path) -> bool:
    return path.name.lower().endswith(_SLIDES) and not path.name.startswith(".") and path.is_file()


def _misplaced(path: Path, place: str) -> Refused:
    return Refused(path, MisplacedFileError(f"lies where nothing is looked at; move it to {place}"))
