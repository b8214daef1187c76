"""A clinical record, checked against a profile; one error names every problem."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared import pseudonyms
from shared.canonical import sha256
from shared.json_objects import JsonObjectError, read_object
from shared.model import vocabulary
from shared.model.errors import BadClinicalRecordError
from shared.model.profile import Outcome, Profile
from shared.model.variable import Value
from shared.model.vocabulary import Problem, Reading, Vocabulary
from shared.units import CaseId, Sha256
from shared.words import sentence, shown

UNCLEAR_VALUE, PROFILE_CHECK = "unclear_value", "profile_check"
_IDS = ("case_id", "site_id")
_NAMED = 20
"""Names that a sentence lists at most."""


@dataclass(frozen=True, slots=True)
class RecordRemark:
    """What people should see beside a score that uses a record."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """A case's values by variable; a variable that is not in `values` is missing."""

    digest: Sha256
    values: Mapping[str, Value]
    simulated: bool = False
    """The record states that its patient never lived."""
    site: str = ""
    """Pseudonym of the hospital; empty where the record does not say."""
    readings: tuple[Reading, ...] = ()
    """Values that were read as another word or unit than they were written in."""
    remarks: tuple[RecordRemark, ...] = ()
    """Values that nothing explains and count as missing, and checks of the profile that the case meets."""


def parse_record(data: bytes, case_id: CaseId, profile: Profile) -> ClinicalRecord:
    """Read a record's JSON.

    Raises:
        BadClinicalRecordError: it is no JSON object, or entries of it are refused; each is named with what is allowed.
    """
    entries = record_entries(data)
    words = profile.vocabulary
    read = words.read(entries)
    problems = [*map(vocabulary.describe, read.problems), *_other_problems(entries, case_id, profile, words)]
    site = entries.get("site_id", "")
    if problems:
        raise BadClinicalRecordError(f"the clinical record of {case_id} is refused: {sentence(problems)}")
    return ClinicalRecord(
        digest=sha256(data),
        values=read.values,
        simulated=entries.get("simulated") is True,
        site="" if words.is_missing(site) else str(site),
        readings=tuple(read.readings),
        remarks=(*map(_unclear_remark, read.unclear), *_checks(profile, read.values)),
    )


ReadRecord = Callable[[bytes, CaseId, Profile], ClinicalRecord]
"""Reads a record's JSON as `parse_record` does."""


def record_entries(data: bytes) -> dict[str, Any]:
    """Names and values of a record, unchecked.

    Raises:
        BadClinicalRecordError: it is no JSON object, too large, too deep, or a name occurs more than once.
    """
    try:
        return read_object(data)
    except JsonObjectError as error:
        raise BadClinicalRecordError(f"the clinical record {error}") from None


def stated_case_id(data: bytes) -> str | None:
    """The case id that a record states; None without one.

    Raises:
        BadClinicalRecordError: as in `record_entries`, or the id is no text.
    """
    case_id = record_entries(data).get("case_id")
    if case_id is not None and not isinstance(case_id, str):
        raise BadClinicalRecordError(f"the clinical record is refused: case_id is {shown(case_id)}, allowed is text")
    return case_id


def _unclear_remark(problem: Problem) -> RecordRemark:
    text = f"{problem.label} is {shown(problem.written)} and counts as missing; allowed is {problem.allowed}"
    return RecordRemark(UNCLEAR_VALUE, f"{text}.")


def _checks(profile: Profile, values: Mapping[str, Value]) -> Iterator[RecordRemark]:
    for text in vocabulary.checks_met(profile.checks, profile.variables, values):
        yield RecordRemark(PROFILE_CHECK, text)


def _other_problems(entries: Mapping[str, Any], case_id: CaseId, profile: Profile, words: Vocabulary) -> Iterator[str]:
    """Problems of the entries that are no variables."""
    outcome = profile.outcome
    known = [*_IDS, *words.columns, outcome.time, outcome.event, "simulated"]
    unknown = [name for name in entries if name not in known]
    if unknown:
        yield _unknown(unknown, profile, known)
    for name, value in entries.items():
        if name == "case_id" and value != case_id:
            yield f"case_id is {shown(value)}, but the record is stored for {case_id}"
        elif name != "case_id" and not words.is_missing(value):
            yield from _other_problem(name, value, outcome)


def _unknown(names: list[str], profile: Profile, known: list[str]) -> str:
    listed = ", ".join(map(shown, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    verb = "is no variable" if len(names) == 1 else "are no variables"
    more = f" and {len(known) - _NAMED} more" if len(known) > _NAMED else ""
    return f"{listed} {verb} of {profile.name}, allowed are {', '.join(known[:_NAMED])}{more}"


def _other_problem(name: str, value: Any, outcome: Outcome) -> Iterator[str]:
    if name == "site_id":
        if not isinstance(value, str) or not pseudonyms.is_pseudonym(value):
            yield f"site_id is {shown(value)}, allowed are {pseudonyms.PSEUDONYM}"
    elif name == "simulated":
        if not isinstance(value, bool):
            yield f"simulated is {shown(value)}, allowed is true or false"
    elif name == outcome.time:
        if not _is_number(value) or value <= 0:
            yield f"{name} is {shown(value)}, allowed is a number above 0"
    elif name == outcome.event and (isinstance(value, bool) or str(value) not in outcome.codes):
        yield f"{outcome.event} is {shown(value)}, allowed is one of {', '.join(outcome.codes)}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
