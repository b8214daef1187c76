"""A FHIR R4 Bundle of Patient, Condition and Observations as one record; a column map selects the names."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from shared.model.errors import BadClinicalRecordError

GENDER, AGE = "Patient.gender", "Condition.age_days"
"""Names besides those of the Observations; nothing else of the patient is read, no name and no date."""


def is_fhir(entries: Mapping[str, Any]) -> bool:
    """Whether a JSON object is a FHIR Bundle."""
    return entries.get("resourceType") == "Bundle"


def flattened(bundle: Mapping[str, Any]) -> dict[str, Any]:
    """The gender, the age at the onset of the Condition in days, and the value of each Observation by its name.

    Raises:
        BadClinicalRecordError: it holds several patients, Conditions of several dates, or two values of an Observation.
    """
    resources = [object_at(entry, "resource") for entry in objects_at(bundle, "entry")]
    patients = [resource for resource in resources if resource.get("resourceType") == "Patient"]
    if len(patients) != 1:
        raise BadClinicalRecordError(f"the FHIR Bundle holds {len(patients)} patients; one is allowed")
    values: dict[str, Any] = {GENDER: patients[0].get("gender"), AGE: _age_days(patients[0], resources)}
    for name, value in _observations(resources):
        if values.setdefault(name, value) != value:
            raise BadClinicalRecordError(f"the FHIR Bundle holds two values of {name[:60]!a}; leave one of them")
    return values


def _observations(resources: list[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for resource in resources:
        value = _value(resource)
        if resource.get("resourceType") == "Observation" and value is not None:
            yield _concept(object_at(resource, "code")), value


def _value(observation: Mapping[str, Any]) -> Any:
    quantity = object_at(observation, "valueQuantity")
    if quantity:
        return f"{quantity.get('value')} {quantity.get('unit') or ''}".strip()
    if concept := _concept(object_at(observation, "valueCodeableConcept")):
        return concept
    kinds = ("valueString", "valueBoolean", "valueInteger")
    return next((observation[kind] for kind in kinds if kind in observation), None)


def _concept(concept: Mapping[str, Any]) -> str:
    """The text of a concept, else the first display or code."""
    codings = objects_at(concept, "coding")
    texts = [concept.get("text"), *(coding.get(name) for name in ("display", "code") for coding in codings)]
    return next((text for text in texts if isinstance(text, str) and text), "")


def _age_days(patient: Mapping[str, Any], resources: list[Mapping[str, Any]]) -> int | None:
    birth_date = whole_day(patient.get("birthDate"))
    conditions = [resource for resource in resources if resource.get("resourceType") == "Condition"]
    days = [whole_day(resource.get("onsetDateTime") or resource.get("recordedDate")) for resource in conditions]
    onsets = {day for day in days if day}
    if len(onsets) > 1:
        raise BadClinicalRecordError("the FHIR Bundle holds Conditions of several dates; leave that of the tumour")
    return (onsets.pop() - birth_date).days if birth_date and onsets else None


def whole_day(text: Any) -> date | None:
    """A whole date; None for a year or month only."""
    try:
        return date.fromisoformat(text[:10]) if isinstance(text, str) else None
    except ValueError:
        return None


def object_at(resource: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The object of that name; empty where there is none."""
    values = resource.get(name)
    return values if isinstance(values, dict) else {}


def objects_at(resource: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The objects of a list of that name; empty where there is none."""
    values = resource.get(name)
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []
