"""The inputs of one score: a case's id, its slides, its clinical record in our names and words, and its vectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.standalone.errors import NamelessCaseError, SeveralCasesError, located
from services.standalone.fhir_record import is_fhir
from services.standalone.local_slides import SlideFile
from services.standalone.mapped_records import mapped_entries, translated
from services.standalone.selection import Item, Refused, parted
from services.standalone.vector_files import VectorFile, stated_case
from services.trainer.cohort.column_map import load_map
from shared import keys
from shared.bounded_file import read_start
from shared.json_objects import MAX_BYTES
from shared.model.errors import BadClinicalRecordError
from shared.model.record import record_entries, stated_case_id
from shared.units import CaseId

_CASES_SHOWN = 5


@dataclass(frozen=True)
class Case:
    """The inputs of one score."""

    case_id: CaseId
    slides: Sequence[SlideFile]
    clinical: bytes | None
    refused: tuple[Refused, ...] = ()
    """Refused arguments."""
    readings: Sequence[str] = ()
    """How the column map read names and words, as sentences."""
    vectors: Mapping[str, VectorFile] = field(default_factory=dict)
    """By block."""


def case_from(
    items: Sequence[Item],
    clinical: Path | None,
    case_id: str | None,
    columns: Path | None = None,
    vectors: Mapping[str, VectorFile] | None = None,
) -> Case:
    """Assemble a case: its id is the one given, its folder's, the record's, a vector's, or the first slide's name.

    Raises:
        BadCaseNameError: the id is no pseudonym.
        BadClinicalRecordError, BadVectorsError: the record or a vector cannot be read at all.
        BadMapError: the column map is invalid, or for another record.
        SeveralCasesError: the slides are of several cases, or of another one.
        PermanentError: there is no slide among `items`, or nothing names the case of other inputs without slides.
    """
    slides, refused = parted(items)
    if refused and not slides:
        raise located(refused[0].error, refused[0].path)
    record, readings = _record(clinical, columns) if clinical else (None, [])
    named = _named_case(slides, case_id)
    stated = None if named else (stated_case_id(record) if record else None) or stated_case(vectors or {})
    if not (named or stated or slides):
        raise NamelessCaseError(f"{clinical or 'the vector'} states no case_id")
    source = "--case-id" if case_id else (clinical or "the vector") if stated else slides[0].path
    case = keys.named_case(named or stated or slides[0].case_id, str(source))
    own = [replace(slide, case_id=case) for slide in slides]
    return Case(case, own, record, tuple(refused), readings, vectors or {})


def _named_case(slides: Sequence[SlideFile], case_id: str | None) -> str | None:
    """The id that the command line, folders or a table give the case; None if they give none."""
    names = {slide.case_id for slide in slides if slide.case_named} | ({case_id} if case_id else set())
    if len(names) > 1:
        shown = ", ".join(sorted(names)[:_CASES_SHOWN])
        raise SeveralCasesError(f"the slides are of {len(names)} cases ({shown}), and one is scored at a time")
    return next(iter(names), None)


def _read(path: Path) -> bytes:
    try:
        return read_start(path, MAX_BYTES)
    except OSError as error:
        raise BadClinicalRecordError(f"the clinical record {path} cannot be read: {error.strerror}") from error


def _record(clinical: Path, columns: Path | None) -> tuple[bytes, list[str]]:
    """A record in our names and words, and how a map read it; of a FHIR Bundle only the mapped values."""
    record = _read(clinical)
    if columns is None:
        if is_fhir(record_entries(record)):
            raise BadClinicalRecordError(
                f"{clinical} is a FHIR Bundle: say with --map which of its values are which variable"
            )
        return record, []
    names = load_map(columns)
    entries = mapped_entries(record, names)
    names.check(entries, str(clinical))
    return translated(entries, names), names.changes(entries)
