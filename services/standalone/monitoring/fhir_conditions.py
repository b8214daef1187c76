"""Outcomes from FHIR R4 Conditions, as NDJSON of a bulk export or as a Bundle.

A Condition whose clinicalStatus is recurrence or relapse is the event of interest, the first day of any other is the
diagnosis. Patient.deceasedDateTime ends follow-up: for a hazard of relapse, death is a censoring.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.standalone.fhir_record import object_at, objects_at, whole_day
from services.trainer.errors import BadCohortError
from services.trainer.monitoring.followed import LaterOutcome
from shared.pseudonyms import is_pseudonym

_CAME_BACK = {"recurrence", "relapse"}
_WRONG = {"entered-in-error", "refuted"}


@dataclass
class _History:
    """Days of one patient."""

    diagnosed: list[date] = field(default_factory=list)
    came_back: list[date] = field(default_factory=list)
    died: list[date] = field(default_factory=list)


def fhir_outcomes(data: bytes, name: str) -> dict[str, LaterOutcome]:
    """Outcomes of the patients with a relapse or a death; the others are only known to have none that was reported.

    The case is the pseudonym in `subject.identifier`, else in `subject.reference` (`Patient/CASE`).

    Raises:
        BadCohortError: it is no FHIR resource, or one a line.
    """
    histories: dict[str, _History] = defaultdict(_History)
    for resource in _resources(data, name):
        if resource.get("resourceType") == "Condition":
            _add_condition(histories, resource)
        elif resource.get("resourceType") == "Patient" and (day := whole_day(resource.get("deceasedDateTime"))):
            histories[_patient(resource)].died.append(day)
    return {case: each for case, days in histories.items() if case and (each := _outcome(days))}


def _outcome(days: _History) -> LaterOutcome | None:
    diagnosed = min(days.diagnosed, default=None)
    ends = min([*days.came_back, *days.died], default=None)
    if ends is None:
        return None
    return LaterOutcome(int(ends in days.came_back), ends=ends, diagnosed=diagnosed)


def _add_condition(histories: Mapping[str, _History], condition: Mapping[str, Any]) -> None:
    day = whole_day(condition.get("onsetDateTime") or condition.get("recordedDate"))
    if day is None or _codes(condition, "verificationStatus") & _WRONG:
        return
    history = histories[_subject(condition)]
    came_back = bool(_codes(condition, "clinicalStatus") & _CAME_BACK)
    (history.came_back if came_back else history.diagnosed).append(day)


def _resources(data: bytes, name: str) -> Iterator[Mapping[str, Any]]:
    """Resources of a Bundle, one resource, or one a line."""
    try:
        try:
            read = [json.loads(data)]
        except json.JSONDecodeError:
            read = [json.loads(line) for line in data.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        raise BadCohortError(f"{name} is neither a FHIR resource nor one a line") from None
    for resource in read:
        if not isinstance(resource, dict) or "resourceType" not in resource:
            raise BadCohortError(f"{name} holds something that is no FHIR resource")
        entries = objects_at(resource, "entry") if resource["resourceType"] == "Bundle" else [{"resource": resource}]
        yield from (object_at(each, "resource") for each in entries)


def _codes(condition: Mapping[str, Any], name: str) -> set[str]:
    return {str(coding.get("code")) for coding in objects_at(object_at(condition, name), "coding")}


def _subject(condition: Mapping[str, Any]) -> str:
    subject = object_at(condition, "subject")
    stated = object_at(subject, "identifier").get("value")
    return _pseudonym(stated or str(subject.get("reference", "")).rpartition("/")[2])


def _patient(patient: Mapping[str, Any]) -> str:
    values = [each.get("value") for each in objects_at(patient, "identifier")]
    return _pseudonym(next(filter(None, values), patient.get("id")))


def _pseudonym(text: object) -> str:
    """Empty where it is none, as of a patient who was not scored."""
    return text if isinstance(text, str) and is_pseudonym(text) else ""
