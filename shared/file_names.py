"""Recognises by name the files that are neither a slide nor a clinical record."""

from pathlib import PurePath, PurePosixPath

_UNFINISHED = {".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download", ".upload"}
_ANNOTATIONS = {".xml", ".json", ".geojson", ".qpdata", ".qpproj", ".backup"}
_TABLES = {".txt", ".csv", ".tsv", ".xls", ".xlsx", ".yaml", ".yml"}
_TEXTS = {".ini", ".md", ".pdf", ".html", ".log", ".db", ".lnk"}
_PROGRAMS = {".exe", ".dll", ".inf", ".bat", ".url"}
"""Viewers on discs of DICOM files."""
_DIGESTS = {".md5", ".sha1", ".sha256", ".sha512"}
_PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".bmp"}
_PARTS_OF_SLIDES = {".dat", ".opt", ".ngr", ".ets"}
_NO_SLIDES = _UNFINISHED | _ANNOTATIONS | _TABLES | _TEXTS | _PROGRAMS | _DIGESTS | _PICTURES | _PARTS_OF_SLIDES
_NO_RECORDS = _NO_SLIDES - _TABLES - {".json"}
"""A record in the format of a table or text is refused, so that people learn that it is not read."""
_NO_SLIDE_NAMES = {"dicomdir", "thumbs.db", "desktop.ini", "readme", "license", "checksums"}


def is_no_slide(name: str) -> bool:
    """Whether a file, by its name with folders, is not a slide.

    True for unfinished uploads, hidden files, annotations, tables, pictures next to slides and other companions.
    """
    return _by_name(name, _NO_SLIDES)


def is_no_record(name: str) -> bool:
    """Whether a file, by its name below `clinical/`, is neither a record nor one in another format."""
    return _by_name(name, _NO_RECORDS)


def is_hidden(path: PurePath) -> bool:
    """Whether a path below a folder is of a hidden file, or lies in a hidden folder."""
    return any(name.startswith(".") for name in path.parts)


def _by_name(name: str, suffixes: set[str]) -> bool:
    """Whether a file is hidden, a backup, a folder, a known companion or has one of `suffixes`."""
    path = PurePosixPath(name.lower())
    hidden = any(name.startswith((".", "~")) for name in path.parts)
    return not name or name.endswith(("/", "~")) or hidden or path.suffix in suffixes or path.name in _NO_SLIDE_NAMES
