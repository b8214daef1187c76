"""Keys of the bucket but for those of models, which `model_keys` has: the only place that builds and reads them."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from shared import file_names, pseudonyms
from shared.canonical import sha256
from shared.errors import PermanentError
from shared.misplaced_vector import misplaced_vector
from shared.pseudonyms import PSEUDONYM
from shared.units import CaseId, Sha256, SlideId

SLIDES, CLINICAL, CASES = "slides/", "clinical/", "cases/"
CASES_OF = "cases-of/"
"""The cases that hold a slide of a digest."""
LANDINGS = "landings/"
ATTEMPTS = "attempts/"
"""Marks of records at work, by which crashes are detected."""
VECTORS, SCORES = "vectors/", "scores/"
LANDED = (SLIDES, CLINICAL, VECTORS)
"""Prefixes of a case's inputs, which others land."""
ERASED = "erased/"
ERASED_SLIDES = "erased/slides/"
"""Digests of slides that erased cases had, for a day."""
OPERATIONS = "operations/"
"""What services and commands note about the running system."""
WAITING = f"{OPERATIONS}waiting.json"
"""What results last saw waiting for a score."""
ARCHIVE = "archive/"
"""Superseded scores and their audit entries, which results moved out of its database."""
FOLDERS = {
    *("slides", "clinical", "vectors", "models", "plans", "embeddings", "attention", "scores", "monitoring"),
    *("cases", "cases-of", "landings", "attempts", "erased", "operations", "archive"),
}
"""Every folder of a bucket."""
WRITTEN = frozenset(FOLDERS - {"slides", "clinical", "vectors", "models"})
"""Folders that nobody but Medulla writes to: an event about their objects asks for nothing."""

PLAN, PLAN_TILES, PLAN_MASK, THUMBNAIL = "plan.json", "tiles.safetensors", "mask.png", "thumbnail.jpg"
"""Files in the folder of a tile plan."""


class BadCaseIdError(PermanentError):
    """A key or request names a case or slide that is no pseudonym."""

    reason = "bad_case_id"
    advice = (
        "Store it as slides/{case_id}/{file}, clinical/{case_id}.json or vectors/{case_id}/{block}.json, "
        f"where the case id is {PSEUDONYM}"
    )


class BadCaseNameError(BadCaseIdError):
    """A request or a command names a case by no pseudonym."""

    advice = f"Name the case by its id, {PSEUDONYM}."


@dataclass(frozen=True, slots=True)
class SlideKey:
    """Case and slide of an object under `slides/`."""

    case_id: CaseId
    slide_id: SlideId


@dataclass(frozen=True, slots=True)
class VectorKey:
    """Case and block of an object under `vectors/`."""

    case_id: CaseId
    block: str


def slide_key(key: str) -> SlideKey | None:
    """Read `slides/{case_id}/{name}`, where the name may have folders; None for other files.

    The slide id of a DICOM file is that of its series (`series_id`), not this one.

    Raises:
        BadCaseIdError: the case's id is no pseudonym or the key has no case.
    """
    name = key.removeprefix(SLIDES)
    if file_names.is_no_slide(name):
        return None
    case, inside, below = name.partition("/")
    if not inside:
        raise BadCaseIdError(f"object {key!r} is not inside a case's folder")
    return SlideKey(case_id(case, key), pseudonyms.slide_id(below))


def can_be(slide: SlideId, key: str) -> bool:
    """Whether a slide of this id can have a file at `key`: its name gives the id, or it may be of a series."""
    return pseudonyms.is_series(slide) or pseudonyms.slide_id(key.removeprefix(SLIDES).partition("/")[2]) == slide


def clinical_case(key: str) -> CaseId | None:
    """Read `clinical/{case_id}.json`; None for other files: unfinished, hidden, companions.

    Raises:
        BadCaseIdError: the key has another shape or the id is no pseudonym.
    """
    name = key.removeprefix(CLINICAL)
    if file_names.is_no_record(name):
        return None
    if not name.endswith(".json"):
        raise BadCaseIdError(f"clinical record {key!r} does not end in .json")
    return case_id(name.removesuffix(".json"), key)


def vector_key(key: str) -> VectorKey | None:
    """Read `vectors/{case_id}/{block}.json`; None for other files: unfinished, hidden, companions.

    Raises:
        BadCaseIdError: the key has another shape, or the case's id or the block's name is no pseudonym; the advice
            names the key that it should have.
    """
    name = key.removeprefix(VECTORS)
    if file_names.is_no_record(name):
        return None
    case, _, below = name.partition("/")
    if not below or "/" in below or not below.endswith(".json"):
        misplaced = misplaced_vector(PurePosixPath(key))
        error = BadCaseIdError(misplaced.sentence)
        error.advice = misplaced.advice
        raise error
    return VectorKey(case_id(case, key), _pseudonym(below.removesuffix(".json"), key))


def named_in(key: str) -> dict[str, str]:
    """The case_id and slide_id in a landed object's key, if they are pseudonyms: others may be a person's name."""
    try:
        if key.startswith(CLINICAL):
            case = clinical_case(key)
            return {"case_id": case} if case else {}
        if key.startswith(VECTORS):
            vector_of = vector_key(key)
            return {"case_id": vector_of.case_id} if vector_of else {}
        slide = slide_key(key) if key.startswith(SLIDES) else None
    except BadCaseIdError:
        return {}
    if slide is None:
        return {}
    return {"case_id": slide.case_id} | ({} if pseudonyms.is_derived(slide.slide_id) else {"slide_id": slide.slide_id})


def case_id(text: str, where: str) -> CaseId:
    """Check a case id; `where` is named in the error.

    Raises:
        BadCaseIdError: it is no pseudonym.
    """
    return CaseId(_pseudonym(text, where))


def named_case(text: str, where: str) -> CaseId:
    """Check the case id of a request or a command; `where` is named in the error.

    Raises:
        BadCaseNameError: it is no pseudonym.
    """
    if not pseudonyms.is_pseudonym(text):
        raise BadCaseNameError(f"{text!r} in {where} is not a pseudonym")
    return CaseId(text)


def clinical(case: CaseId) -> str:
    """A case's clinical record, where the registry lands it."""
    return f"{CLINICAL}{case}.json"


def plan_prefix(slide: Sha256, plan: Sha256) -> str:
    """Folder of a tile plan."""
    return f"plans/{slide}/{plan}/"


def embeddings(slide: Sha256) -> str:
    """Prefix of all embeddings of a slide."""
    return f"embeddings/{slide}/"


def bag_prefix(slide: Sha256, plan: Sha256, encoder: Sha256) -> str:
    """Folder of a slide's embeddings."""
    return f"{embeddings(slide)}{plan}/{encoder}/"


def scores(case: CaseId) -> str:
    """Prefix of a case's scores."""
    return f"{SCORES}{case}/"


def score(case: CaseId, score_id: Sha256) -> str:
    """A score's JSON."""
    return f"{scores(case)}{score_id}.json"


def attention(slide: Sha256, score_id: Sha256) -> str:
    """A slide's attention in one score."""
    return f"attention/{slide}/{score_id}.safetensors"


def vectors(case: CaseId) -> str:
    """Prefix of a case's vectors, where radiomics and others land them."""
    return f"{VECTORS}{case}/"


def vector(case: CaseId, block: str) -> str:
    """A case's vector of a block."""
    return f"{vectors(case)}{block}.json"


def slides(case: CaseId) -> str:
    """Prefix of all files of a case's slides, where the lab lands them."""
    return f"{SLIDES}{case}/"


def erased(case: CaseId) -> str:
    """Marker of an erased case, named after the digest of its id so that the id is not kept."""
    return f"{ERASED}{sha256(case.encode())}.json"


def erased_slide(slide: Sha256) -> str:
    """Names a slide that an erased case had; what late work derives from it is erased too."""
    return f"{ERASED_SLIDES}{slide}.json"


def indexed(case: CaseId) -> str:
    """Prefix of the scorer's index of a case."""
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


def indexed_vector(case: CaseId, block: str) -> str:
    """The scorer's index entry of a case's vector of a block."""
    return f"{indexed(case)}vectors/{block}.json"


def attempts(case: CaseId) -> str:
    """Prefix of the marks of a case's records at work, without its id, as a versioned bucket keeps what is deleted."""
    return f"{ATTEMPTS}{sha256(case.encode())}/"


def attempt(service: str, record: Sha256, case: str = "") -> str:
    """The mark of one record at work in a service; `case` is empty if the record has none."""
    return f"{attempts(CaseId(case)) if case else ATTEMPTS}{service}-{record}.json"


def attempt_range(service: str, topic: str, partition: int) -> str:
    """Prefix of the marks of ranges of a partition's records, one of each process."""
    return f"{ATTEMPTS}{service}/{topic}/{partition}/"


def places(case: CaseId) -> str:
    """Prefix of a case's record: the states in which it was scored, each under its place."""
    return f"{indexed(case)}places/"


def cases_of(slide: Sha256) -> str:
    """Prefix of the cases that hold a slide of this digest."""
    return f"{CASES_OF}{slide}/"


def case_of(slide: Sha256, case: CaseId) -> str:
    """Marks that a case holds a slide of this digest."""
    return f"{cases_of(slide)}{case}"


def landings(case: CaseId) -> str:
    """Prefix of the tiler's outcomes of a case's slides."""
    return f"{LANDINGS}{case}/"


def landed_slide(case: CaseId, slide: Sha256) -> str:
    """Names a slide that the tiler planned, or was planning when it was killed; erasing the case reads it."""
    return f"{landings(case)}slides/{slide}.json"


def settled(prefix: str, case: CaseId) -> str:
    """Folder of the marks by which sweeps pass over a case, below the prefix that the sweep writes to."""
    return f"{prefix}{case}/settled/"


def derived(slide: Sha256) -> tuple[str, ...]:
    """Prefixes of all objects derived from a slide's bytes."""
    return f"plans/{slide}/", embeddings(slide), f"attention/{slide}/"


def _pseudonym(text: str, where: str) -> str:
    if not pseudonyms.is_pseudonym(text):
        raise BadCaseIdError(f"{text!r} in {where!r} is not a pseudonym")
    return text
