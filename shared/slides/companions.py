"""Slides of several files that are named by a file of theirs: MIRAX and Hamamatsu."""

import re
from collections.abc import Callable, Iterable, Iterator
from configparser import ConfigParser
from pathlib import PurePosixPath

INDEXED = (".mrxs", ".vms", ".vmu")
"""Suffixes of the files that such slides begin with."""
_MOST_FILES = 10_000
_LISTED = re.compile(r"(imagefile|mapfile|optimisationfile|macroimage)(\(\d+(,\d+)*\))?")
_OPTIONAL = "optimisationfile"
Read = Callable[[str], str | None]
"""The text of a small file by its name; None where there is none."""


def companions(name: str, read: Read) -> Iterator[tuple[str, bool]]:
    """Names of the other files of the slide that begins with `name`, and whether each must be there."""
    folder = PurePosixPath(name).parent
    if name.lower().endswith(".mrxs"):
        own = PurePosixPath(name).with_suffix("")
        yield from ((str(own / file), True) for file in _mirax(read(str(own / "Slidedat.ini"))))
    else:
        yield from ((str(folder / file), needed) for file, needed in _hamamatsu(read(name)))


def _mirax(text: str | None) -> Iterator[str]:
    yield "Slidedat.ini"
    said = _ini(text or "")
    if text is not None:
        yield said.get("HIERARCHICAL", "INDEXFILE", fallback="Index.dat")
    if said.has_section("DATAFILE"):
        numbered = (value for name, value in said.items("DATAFILE") if re.fullmatch(r"file_\d+", name))
        yield from _plain(numbered)


def _hamamatsu(text: str | None) -> Iterator[tuple[str, bool]]:
    said = _ini(text or "")
    for section in said.sections():
        for name, value in said.items(section):
            if _LISTED.fullmatch(name):
                yield from ((file, name != _OPTIONAL) for file in _plain([value]))


def _plain(names: Iterable[str]) -> Iterator[str]:
    """Names of files beside, none that leads elsewhere."""
    for name in (name.strip().replace("\\", "/") for name in names):
        if name and not name.startswith("/") and ".." not in PurePosixPath(name).parts:
            yield name


def _ini(text: str) -> ConfigParser:
    """What of a text can be read as settings."""
    lines = [line for line in text.lstrip("\ufeff").splitlines()[: 2 * _MOST_FILES] if _is_setting(line)]
    said = ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=(";", "#"))
    start = next((at for at, line in enumerate(lines) if line.startswith("[")), len(lines))
    said.read_string("\n".join(lines[start:]))
    return said


def _is_setting(line: str) -> bool:
    return "=" in line.strip()[1:] or re.fullmatch(r"\[[^\]]+\]\s*", line) is not None
