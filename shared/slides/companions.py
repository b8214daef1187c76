"""Companion files of MIRAX and Hamamatsu slides, listed by their index files."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath

INDEXED = (".mrxs", ".vms", ".vmu")
"""Suffixes of the primary files of such slides."""
_MOST_FILES = 10_000
_LISTED = re.compile(r"(imagefile|mapfile|optimisationfile|macroimage)(\(\d+(,\d+)*\))?")
_OPTIONAL = "optimisationfile"
Read = Callable[[str], str | None]
"""Reads the text of a small file by its name; None if there is none."""


def companions(name: str, read: Read) -> Iterator[tuple[str, bool]]:
    """Names of the companion files of the slide `name`, and whether each is required."""
    folder = PurePosixPath(name).parent
    if name.lower().endswith(".mrxs"):
        own = PurePosixPath(name).with_suffix("")
        yield from ((str(own / file), True) for file in _mirax(read(str(own / "Slidedat.ini"))))
    else:
        yield from ((str(folder / file), needed) for file, needed in _hamamatsu(read(name)))


def _mirax(text: str | None) -> Iterator[str]:
    yield "Slidedat.ini"
    sections = _ini(text or "")
    if text is not None:
        yield from _plain([sections.get("HIERARCHICAL", {}).get("indexfile", "Index.dat")])
    yield from _plain(file for name, file in sections.get("DATAFILE", {}).items() if re.fullmatch(r"file_\d+", name))


def _hamamatsu(text: str | None) -> Iterator[tuple[str, bool]]:
    for settings in _ini(text or "").values():
        for name, value in settings.items():
            if _LISTED.fullmatch(name):
                yield from ((file, name != _OPTIONAL) for file in _plain([value]))


def _plain(names: Iterable[str]) -> Iterator[str]:
    """Relative names, without any that leave the folder."""
    for name in (name.strip().replace("\\", "/") for name in names):
        if name and not name.startswith("/") and ".." not in PurePosixPath(name).parts:
            yield name


def _ini(text: str) -> dict[str, dict[str, str]]:
    """Settings by section, names in lower case; other lines are skipped."""
    sections = {"": dict[str, str]()}
    section = sections[""]
    for line in map(str.strip, text.lstrip("\ufeff").splitlines()[: 2 * _MOST_FILES]):
        if line.startswith("[") and line.endswith("]"):
            section = sections.setdefault(line[1:-1], {})
        elif not line.startswith((";", "#")):
            name, _, value = line.partition("=")
            section[name.strip().lower()] = value.strip()
    return sections
