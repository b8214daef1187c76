"""The patient by pseudonym, and the values of the clinical record as Observations."""

from decimal import Decimal, InvalidOperation

from fhir.resources.R4B.annotation import Annotation
from fhir.resources.R4B.coding import Coding
from fhir.resources.R4B.observation import Observation
from fhir.resources.R4B.patient import Patient
from fhir.resources.R4B.quantity import Quantity
from medulla.v1.scorer_pb2 import Contribution, Score

from shared.export.case_texts import label, notices, record_values
from shared.export.fhir.parts import CASE, UCUM, VARIABLE, concept, identifier, meta, narrative, reference

PATIENT = "patient"
_MISSING = "missing"
_UNITS = {"years": "a", "months": "mo", "days": "d", "cm2": "cm2", "mm2": "mm2", "cm": "cm", "mm": "mm"}
"""UCUM codes by the last word of a variable's name."""
_SEX = "sex"
_GENDERS = {"female", "male"}
_LOINC = {_SEX: Coding(system="http://loinc.org", code="46098-0", display="Sex")}
"""Codes of variables that have one beyond doubt."""
_UNKNOWN = Coding(system="http://terminology.hl7.org/CodeSystem/data-absent-reason", code="unknown", display="Unknown")


def patient(score: Score) -> Patient:
    """The patient: a pseudonym, and the sex if the model reads it."""
    values = {item.variable: item.value for item in record_values(score)}
    gender = values.get(_SEX)
    return Patient(
        meta=meta(score),
        text=narrative([f"Case {score.case_id}, a pseudonym.", *notices(score)]),
        identifier=[identifier(CASE, score.case_id)],
        gender=gender if gender in _GENDERS else None,
    )


def observations(score: Score) -> dict[str, Observation]:
    """One for each variable of the record that the model reads, by a name of its own."""
    return {f"observation-{item.variable}": _observation(score, item) for item in record_values(score)}


def _observation(score: Score, item: Contribution) -> Observation:
    codings = [Coding(system=VARIABLE, code=item.variable)]
    if item.variable in _LOINC:
        codings.insert(0, _LOINC[item.variable])
    quantity, is_missing = _quantity(item), item.value == _MISSING
    return Observation(
        meta=meta(score),
        text=narrative([f"{label(item)}: {item.value}", *notices(score)]),
        status="final",
        code=concept(label(item), *codings),
        subject=reference(score, PATIENT),
        valueQuantity=quantity,
        valueCodeableConcept=None if quantity or is_missing else concept(item.value),
        dataAbsentReason=concept("unknown", _UNKNOWN) if is_missing else None,
        note=_readings(score, item.variable) or None,
    )


def _quantity(item: Contribution) -> Quantity | None:
    """The value with its unit, where the variable's name ends in one."""
    unit = item.variable.rpartition("_")[2]
    code = _UNITS.get(unit)
    try:
        return Quantity(value=Decimal(item.value), unit=unit, system=UCUM, code=code) if code else None
    except InvalidOperation:
        return None


def _readings(score: Score, variable: str) -> list[Annotation]:
    """How the value was read, where the record had another word or unit."""
    read = [item for item in score.readings if item.variable == variable]
    return [Annotation(text=f"Written “{item.written}”, read as {item.value}.") for item in read]
