"""A clinical record, checked against the bundle's profile: all that is wrong is said at once."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from services.fusion_scorer.errors import BadClinicalRecordError
from services.fusion_scorer.profile import Outcome, Profile, Variable
from shared import keys
from shared.canonical import sha256
from shared.units import CaseId, Sha256

Value: TypeAlias = float | str

MAX_BYTES = 1_000_000
_IDS = ("case_id", "site_id")
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class ClinicalRecord:
    """What is known of a case; a variable that is not in `values` is missing."""

    digest: Sha256
    values: Mapping[str, Value]
    simulated: bool = False
    """The record says of itself that its patient never lived."""
    site: str = ""
    """Pseudonym of the hospital; empty where the record does not say."""


def parse(data: bytes, case_id: CaseId, profile: Profile) -> ClinicalRecord:
    """Read a record's JSON.

    Raises:
        BadClinicalRecordError: it is no JSON object, or entries of it are refused; each is named with what is allowed.
    """
    entries = _entries(data)
    problems = [problem for name, value in entries.items() for problem in _problems(name, value, case_id, profile)]
    if problems:
        raise BadClinicalRecordError(f"the clinical record of {case_id} is refused: " + "; ".join(problems))
    known = {name: value for name, value in entries.items() if profile.variable(name) and not _is_missing(value)}
    values = {name: value if isinstance(value, str) else float(value) for name, value in known.items()}
    return ClinicalRecord(sha256(data), values, entries.get("simulated") is True, entries.get("site_id") or "")


def _entries(data: bytes) -> dict[str, Any]:
    if len(data) > MAX_BYTES:
        raise BadClinicalRecordError(f"the clinical record has {len(data)} bytes; {MAX_BYTES} are allowed")
    try:
        entries = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_without_repeats)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BadClinicalRecordError(f"the clinical record is no JSON: {_place(error)}") from None
    except RecursionError:
        raise BadClinicalRecordError("the clinical record is no JSON object of plain values") from None
    if not isinstance(entries, dict):
        raise BadClinicalRecordError("the clinical record is no JSON object of names and values")
    return entries


def _place(error: json.JSONDecodeError | UnicodeDecodeError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    return f"line {error.lineno}, column {error.colno}"


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise BadClinicalRecordError(f"the clinical record says {_shown(repeated)} more than once")
    return entries


def _problems(name: str, value: Any, case_id: CaseId, profile: Profile) -> Iterator[str]:
    variable = profile.variable(name)
    if name == "case_id":
        if value != case_id:
            yield f"case_id is {_shown(value)}, but the record is stored for {case_id}"
    elif _is_missing(value):
        if not variable and name not in _names(profile):
            yield _unknown(name, profile)
    elif variable:
        yield from _value_problems(variable, value)
    else:
        yield from _other_problems(name, value, profile)


def _value_problems(variable: Variable, value: Any) -> Iterator[str]:
    allowed = variable.allowed()
    if variable.kind == "numeric":
        if not _is_number(value):
            yield f"{variable.name} is {_shown(value)}, allowed is {allowed}"
        elif not _within(variable, value):
            unit = f" {variable.unit}" if variable.unit else ""
            yield f"{variable.name} is {_shown(value)}{unit}, allowed is {allowed}"
    elif not isinstance(value, str) or value not in variable.levels:
        yield f"{variable.name} is {_shown(value)}, allowed is {allowed}"


def _other_problems(name: str, value: Any, profile: Profile) -> Iterator[str]:
    outcome = profile.outcome
    if name == "site_id":
        if not isinstance(value, str) or not keys.is_pseudonym(value):
            yield f"site_id is {_shown(value)}, allowed are {keys.PSEUDONYM}"
    elif name == "simulated":
        if not isinstance(value, bool):
            yield f"simulated is {_shown(value)}, allowed is true or false"
    elif name == outcome.time:
        if not _is_number(value) or value <= 0:
            yield f"{name} is {_shown(value)}, allowed is a number above 0"
    elif name == outcome.event:
        yield from _code_problems(outcome, value)
    else:
        yield _unknown(name, profile)


def _code_problems(outcome: Outcome, value: Any) -> Iterator[str]:
    if isinstance(value, bool) or str(value) not in outcome.codes:
        yield f"{outcome.event} is {_shown(value)}, allowed is one of {', '.join(outcome.codes)}"


def _unknown(name: str, profile: Profile) -> str:
    return f"{_shown(name)} is no variable of {profile.name}, allowed are {', '.join(_names(profile))}"


def _names(profile: Profile) -> list[str]:
    variables = [variable.name for variable in profile.variables]
    return [*_IDS, *variables, profile.outcome.time, profile.outcome.event, "simulated"]


def _is_missing(value: Any) -> bool:
    return value is None or value == ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _within(variable: Variable, value: float) -> bool:
    return (variable.low is None or value >= variable.low) and (variable.high is None or value <= variable.high)


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
