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
VECTORS = "vectors/"
ERASED = "erased/"
BUNDLES = "models/bundles/"
CURRENT_BUNDLE = "models/bundles/current.json"
RESCORED = "models/bundles/rescored.json"
"""The promotion for which every case was last asked to be scored again."""

PLAN, PLAN_TILES, PLAN_MASK, THUMBNAIL = "plan.json", "tiles.safetensors", "mask.png", "thumbnail.jpg"
"""Files in the folder of a tile plan."""

PSEUDONYM = "1 to 64 of A-Z a-z 0-9 . _ -, the first no dot"
"""What an id may look like, for people."""

_PSEUDONYM = re.compile(r"(?!\.)[A-Za-z0-9._-]{1,64}")


class BadCaseIdError(PermanentError):
    """A key or request names a case or slide that is no pseudonym."""

    reason = "bad_case_id"
    advice = f"Store it as slides/{{case_id}}/{{slide_id}}.svs or clinical/{{case_id}}.json, ids of {PSEUDONYM}"


@dataclass(frozen=True, slots=True)
class SlideKey:
    """Whose slide an object under `slides/` is."""

    case_id: CaseId
    slide_id: SlideId


def slide_key(key: str) -> SlideKey | None:
    """Read `slides/{case_id}/{slide_id}.{ext}`; None for a companion file of a multi-file slide.

    Raises:
        BadCaseIdError: the ids are no pseudonyms or the key has no case.
    """
    parts = PurePosixPath(key).parts
    if len(parts) > 3:
        return None
    if len(parts) < 3:
        raise BadCaseIdError(f"object {key!r} is not inside a case's folder")
    return SlideKey(case_id(parts[1], key), SlideId(_pseudonym(PurePosixPath(parts[2]).stem, key)))


def clinical_case(key: str) -> CaseId:
    """Read `clinical/{case_id}.json`.

    Raises:
        BadCaseIdError: the key has another shape or the id is no pseudonym.
    """
    name = key.removeprefix(CLINICAL)
    if not name.endswith(".json"):
        raise BadCaseIdError(f"clinical record {key!r} does not end in .json")
    return case_id(name.removesuffix(".json"), key)


def named_in(key: str) -> dict[str, str]:
    """The case_id and slide_id that a landed object's key names; of a key that names no pseudonyms nothing."""
    try:
        if key.startswith(CLINICAL):
            return {"case_id": clinical_case(key)}
        slide = slide_key(key) if key.startswith(SLIDES) else None
    except BadCaseIdError:
        return {}
    return {"case_id": slide.case_id, "slide_id": slide.slide_id} if slide else {}


def case_id(text: str, where: str) -> CaseId:
    """Check a case id; `where` is named in the error.

    Raises:
        BadCaseIdError: it is no pseudonym.
    """
    return CaseId(_pseudonym(text, where))


def companions(slide: SlideKey) -> str:
    """Prefix of a multi-file slide's other files."""
    return f"{SLIDES}{slide.case_id}/{slide.slide_id}/"


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


def is_pseudonym(text: str) -> bool:
    """Whether a text can be the id of a case, a slide or a site."""
    return _PSEUDONYM.fullmatch(text) is not None


def _pseudonym(text: str, where: str) -> str:
    if not is_pseudonym(text):
        raise BadCaseIdError(f"{text!r} in {where!r} is not a pseudonym")
    return text
