"""Where things stand in the bucket: the one place that knows what a key looks like."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from shared.canonical import sha256
from shared.errors import PermanentError
from shared.units import CaseId, Sha256, SlideId

SLIDES = "slides/"
CLINICAL = "clinical/"
CASES = "cases/"
CASES_OF = "cases-of/"
"""Which cases hold a slide of a digest: the way back from the bytes to the cases."""
LANDINGS = "landings/"
ATTEMPTS = "attempts/"
"""Marks of records that are at work, by which the death of a process is told."""
VECTORS = "vectors/"
ERASED = "erased/"
FOLDERS = {
    *("slides", "clinical", "vectors", "models", "plans", "embeddings", "attention", "scores"),
    *("cases", "cases-of", "landings", "attempts", "erased"),
}
"""Every folder of a bucket."""
BUNDLES = "models/bundles/"
CURRENT_BUNDLE = "models/bundles/current.json"
RESCORED = "models/bundles/rescored.json"
"""The promotion for which every case was last asked to be scored again."""

PLAN, PLAN_TILES, PLAN_MASK, THUMBNAIL = "plan.json", "tiles.safetensors", "mask.png", "thumbnail.jpg"
"""Files in the folder of a tile plan."""

PSEUDONYM = "1 to 64 of A-Z a-z 0-9 . _ -, the first no dot"
"""What an id may look like, for people."""

_PSEUDONYM = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")
_STRANGE = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIX = re.compile(r"[A-Za-z0-9]{1,10}")
_UID = re.compile(r"[0-9.]+")
_DIGITS, _READABLE = 24, 28
"""Digits of a digest in an id that is no file's name, and the length of what is readable before them."""
_DERIVED = re.compile(rf"-[0-9a-f]{{{_DIGITS}}}(\.[A-Za-z0-9]{{1,10}})?\Z")
_SERIES = re.compile(rf"[0-9.]+|series-[0-9a-f]{{{_DIGITS}}}")

_UNFINISHED = {".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download", ".upload"}
_ANNOTATIONS = {".xml", ".json", ".geojson", ".qpdata", ".qpproj", ".backup"}
_TABLES = {".txt", ".csv", ".tsv", ".xls", ".xlsx", ".yaml", ".yml"}
_TEXTS = {".ini", ".md", ".pdf", ".html", ".log", ".db", ".lnk"}
_DIGESTS = {".md5", ".sha1", ".sha256", ".sha512"}
_PICTURES = {".jpg", ".jpeg", ".png", ".gif", ".bmp"}
_PARTS_OF_SLIDES = {".dat", ".opt", ".ngr", ".ets"}
_NO_SLIDES = _UNFINISHED | _ANNOTATIONS | _TABLES | _TEXTS | _DIGESTS | _PICTURES | _PARTS_OF_SLIDES
_NO_RECORDS = _NO_SLIDES - _TABLES - {".json"}
"""A record in the format of a table or text is refused, so that people learn that it is not read."""
_NO_SLIDE_NAMES = {"dicomdir", "thumbs.db", "desktop.ini", "readme", "license", "checksums"}


class BadCaseIdError(PermanentError):
    """A key or request names a case or slide that is no pseudonym."""

    reason = "bad_case_id"
    advice = f"Store it as slides/{{case_id}}/{{file}} or clinical/{{case_id}}.json, where the case id is {PSEUDONYM}"


@dataclass(frozen=True, slots=True)
class SlideKey:
    """Whose slide an object under `slides/` is."""

    case_id: CaseId
    slide_id: SlideId


def slide_key(key: str) -> SlideKey | None:
    """Read `slides/{case_id}/{name}`, where the name may have folders; None for what is passed over by its name.

    A file of a DICOM series is told by what is in it: its slide's id is `series_id`, and not what its key gives.

    Raises:
        BadCaseIdError: the case's id is no pseudonym or the key has no case.
    """
    name = key.removeprefix(SLIDES)
    if passed_over(name):
        return None
    case, inside, below = name.partition("/")
    if not inside:
        raise BadCaseIdError(f"object {key!r} is not inside a case's folder")
    return SlideKey(case_id(case, key), slide_id(below))


def slide_id(name: str) -> SlideId:
    """A slide's id from the name of its file, which may have folders; different names give different ids.

    A pseudonym is its own id. Any other name gives what is readable of it, and a digest of all of it; so does a name
    that looks like such an id, or like that of a DICOM series.
    """
    own = is_pseudonym(name) and not is_derived(name) and not _UID.fullmatch(name)
    return SlideId(name if own else _derived(name, name))


def case_named(stem: str) -> CaseId:
    """The id of a case that is named after a file, from the name without suffix; different names, different ids."""
    return CaseId(stem if is_pseudonym(stem) and not is_derived(stem) else _derived(stem, stem))


def series_id(uid: str) -> SlideId:
    """The id of the slide that a DICOM series is: its SeriesInstanceUID."""
    return SlideId(uid if is_pseudonym(uid) and _UID.fullmatch(uid) else _derived("series", f"series\0{uid}"))


def is_series(slide: str) -> bool:
    """Whether a slide's id is that of a DICOM series."""
    return _SERIES.fullmatch(slide) is not None


def can_be(slide: SlideId, key: str) -> bool:
    """Whether a slide of this id can have a file at `key`: its name gives the id, or it may be of a series."""
    return is_series(slide) or slide_id(key.removeprefix(SLIDES).partition("/")[2]) == slide


def passed_over(name: str) -> bool:
    """Whether a file's name, with its folders, says that it is no slide.

    So are unfinished uploads, hidden files, annotations, tables, pictures beside slides and other companions.
    """
    return _by_name(name, _NO_SLIDES)


def no_record(name: str) -> bool:
    """Whether a file's name below `clinical/` says that it is no record, and none in another format."""
    return _by_name(name, _NO_RECORDS)


def _by_name(name: str, suffixes: set[str]) -> bool:
    """Whether a file is hidden, a backup, a folder, a known companion or has one of `suffixes`."""
    path = PurePosixPath(name.lower())
    hidden = any(part.startswith((".", "~")) for part in path.parts)
    return not name or name.endswith(("/", "~")) or hidden or path.suffix in suffixes or path.name in _NO_SLIDE_NAMES


def _derived(text: str, whole: str) -> str:
    """What of `text` may stand in an id, and a digest of `whole` before the suffix."""
    stem, dot, suffix = text.rpartition(".")
    plain = dot and _SUFFIX.fullmatch(suffix)
    readable = _STRANGE.sub("-", stem if plain else text).strip("-.")[:_READABLE]
    digest = sha256(whole.encode(errors="surrogatepass"))[:_DIGITS]
    return f"{readable or 'slide'}-{digest}" + (f".{suffix}" if plain else "")


def clinical_case(key: str) -> CaseId | None:
    """Read `clinical/{case_id}.json`; None for what is passed over by its name: unfinished, hidden, a companion.

    Raises:
        BadCaseIdError: the key has another shape or the id is no pseudonym.
    """
    name = key.removeprefix(CLINICAL)
    if no_record(name):
        return None
    if not name.endswith(".json"):
        raise BadCaseIdError(f"clinical record {key!r} does not end in .json")
    return case_id(name.removesuffix(".json"), key)


def named_in(key: str) -> dict[str, str]:
    """The case_id and slide_id that a landed object's key names as pseudonyms; what is none may be somebody's name."""
    try:
        if key.startswith(CLINICAL):
            case = clinical_case(key)
            return {"case_id": case} if case else {}
        slide = slide_key(key) if key.startswith(SLIDES) else None
    except BadCaseIdError:
        return {}
    if slide is None:
        return {}
    return {"case_id": slide.case_id} | ({} if is_derived(slide.slide_id) else {"slide_id": slide.slide_id})


def case_id(text: str, where: str) -> CaseId:
    """Check a case id; `where` is named in the error.

    Raises:
        BadCaseIdError: it is no pseudonym.
    """
    return CaseId(_pseudonym(text, where))


def clinical(case: CaseId) -> str:
    """A case's clinical record, where the registry lands it."""
    return f"{CLINICAL}{case}.json"


def plan_prefix(slide: Sha256, plan: Sha256) -> str:
    """Folder of a tile plan."""
    return f"plans/{slide}/{plan}/"


def bag_prefix(slide: Sha256, plan: Sha256, encoder: Sha256) -> str:
    """Folder of a slide's embeddings."""
    return f"embeddings/{slide}/{plan}/{encoder}/"


def scores(case: CaseId) -> str:
    """Prefix of a case's scores."""
    return f"scores/{case}/"


def score(case: CaseId, score_id: Sha256) -> str:
    """A score's JSON."""
    return f"{scores(case)}{score_id}.json"


def attention(slide: Sha256, score_id: Sha256) -> str:
    """A slide's attention in one score."""
    return f"attention/{slide}/{score_id}.safetensors"


def vectors(case: CaseId) -> str:
    """Prefix of a case's vectors, where radiomics and others land them."""
    return f"{VECTORS}{case}/"


def slides(case: CaseId) -> str:
    """Prefix of all files of a case's slides, where the lab lands them."""
    return f"{SLIDES}{case}/"


def erased(case: CaseId) -> str:
    """Marker of an erased case, named after the digest of its id so that the id itself is gone."""
    return f"{ERASED}{sha256(case.encode())}.json"


def indexed(case: CaseId) -> str:
    """Prefix of all that the scorer's index holds of a case."""
    return f"{CASES}{case}/"


def indexed_slides(case: CaseId) -> str:
    """Prefix of the scorer's index of a case's slides."""
    return f"{indexed(case)}slides/"


def indexed_slide(case: CaseId, slide: SlideId, version: str) -> str:
    """The scorer's index entry of one version of a slide."""
    return f"{indexed_slides(case)}{slide}@{version}.json"


def indexed_clinical(case: CaseId) -> str:
    """The scorer's index entry of a case's clinical record."""
    return f"{indexed(case)}clinical.json"


def attempts(case: CaseId) -> str:
    """Prefix of the marks of a case's records that are at work; it does not name the case, since marks outlive it.

    A versioned bucket keeps what was deleted, and erasing a case is work on a record of the case.
    """
    return f"{ATTEMPTS}{sha256(case.encode())}/"


def attempt(service: str, record: Sha256, case: str = "") -> str:
    """The mark of one record at work in a service; `case` is empty where it is about none."""
    return f"{attempts(CaseId(case)) if case else ATTEMPTS}{service}-{record}.json"


def places(case: CaseId) -> str:
    """Prefix of a case's record: the states in which it was scored, each under its place."""
    return f"{indexed(case)}places/"


def cases_of(slide: Sha256) -> str:
    """Prefix of the cases that hold a slide of this digest."""
    return f"{CASES_OF}{slide}/"


def landings(case: CaseId) -> str:
    """Prefix of what the tiler remembers of a case's slides."""
    return f"{LANDINGS}{case}/"


def derived(slide: Sha256) -> tuple[str, ...]:
    """Prefixes of all that is derived from a slide's bytes."""
    return f"plans/{slide}/", f"embeddings/{slide}/", f"attention/{slide}/"


def bundle_prefix(digest: Sha256) -> str:
    """Folder of a stored model bundle."""
    return f"{BUNDLES}{digest}/"


def is_derived(text: str) -> bool:
    """Whether an id was made of a file's name that is no pseudonym, and so may hold a part of somebody's name."""
    return _DERIVED.search(text) is not None


def is_pseudonym(text: str) -> bool:
    """Whether a text can be the id of a case, a slide or a site."""
    return _PSEUDONYM.fullmatch(text) is not None


def _pseudonym(text: str, where: str) -> str:
    if not is_pseudonym(text):
        raise BadCaseIdError(f"{text!r} in {where!r} is not a pseudonym")
    return text
