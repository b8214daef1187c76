"""Ids of cases and slides: pseudonyms, also derived from file names and DICOM UIDs."""

import re

from shared.canonical import sha256
from shared.units import CaseId, SlideId

PSEUDONYM = "1 to 64 of A-Z a-z 0-9 . _ -, the first no dot"
"""The form of an id, for people."""

_PSEUDONYM = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIX = re.compile(r"[A-Za-z0-9]{1,10}")
_UID = re.compile(r"[0-9.]+")
_DIGITS, _READABLE = 24, 28
"""Digits of the digest in a derived id, and the most characters of the readable part before them."""
_DERIVED = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}(\.[A-Za-z0-9]{{1,10}})?\Z")
_SERIES = re.compile(rf"[0-9.]+|series-[0-9a-f]{{{_DIGITS}}}")


def is_derived(text: str) -> bool:
    """Whether an id was derived from a file name that is no pseudonym, and so may hold part of a person's name."""
    return _DERIVED.search(text) is not None


def is_pseudonym(text: str) -> bool:
    """Whether a text can be the id of a case, a slide or a site."""
    return _PSEUDONYM.fullmatch(text) is not None


def slide_id(name: str) -> SlideId:
    """A slide's id from the name of its file, which may have folders; different names give different ids.

    A pseudonym is its own id. The id of any other name, and of a name in the form of a derived id or a DICOM UID, is
    its readable part and a digest.
    """
    own = is_pseudonym(name) and not is_derived(name) and not _UID.fullmatch(name)
    return SlideId(name if own else _derived(name, name))


def case_named(stem: str) -> CaseId:
    """The id of a case named after a file, from the name without suffix; different names, different ids."""
    return CaseId(stem if is_pseudonym(stem) and not is_derived(stem) else _derived(stem, stem))


def series_id(uid: str) -> SlideId:
    """The id of a DICOM series' slide: its SeriesInstanceUID."""
    return SlideId(uid if is_pseudonym(uid) and _UID.fullmatch(uid) else _derived("series", f"series\0{uid}"))


def is_series(slide: str) -> bool:
    """Whether a slide's id is that of a DICOM series."""
    return _SERIES.fullmatch(slide) is not None


def _derived(text: str, whole: str) -> str:
    """The characters of `text` that an id may have, with a digest of `whole` before the suffix."""
    stem, dot, suffix = text.rpartition(".")
    plain = dot and _SUFFIX.fullmatch(suffix)
    readable = _STRANGE.sub("-", stem if plain else text).strip("-.")[:_READABLE]
    digest = sha256(whole.encode(errors="surrogatepass"))[:_DIGITS]
    return f"{readable or 'slide'}-{digest}" + (f".{suffix}" if plain else "")
