"""Outcomes of FHIR resources: Conditions of one tumour, and deaths in another file."""

import json
from datetime import date

import pytest

from services.standalone.monitoring.fhir_conditions import fhir_outcomes
from services.trainer.errors import BadCohortError
from services.trainer.monitoring.followed import LaterOutcome

TUMOUR, ASTHMA = "443333004", "195967001"


def condition(day: str, status: str, code: str = TUMOUR) -> str:
    resource = {"resourceType": "Condition", "subject": {"reference": "Patient/MB-1"}, "onsetDateTime": day}
    coding = [{"system": "http://snomed.info/sct", "code": code}]
    return json.dumps(resource | {"code": {"coding": coding}, "clinicalStatus": {"coding": [{"code": status}]}})


def lines(*resources: str) -> bytes:
    return "\n".join(resources).encode()


def test_a_death_in_another_file_does_not_hide_the_relapse_before_it() -> None:
    patient = json.dumps({"resourceType": "Patient", "id": "MB-1", "deceasedDateTime": "2026-05-01"})
    conditions = lines(condition("2024-02-01", "active"), condition("2025-03-01", "relapse"))
    expected = {"MB-1": LaterOutcome(1, ends=date(2025, 3, 1), diagnosed=date(2024, 2, 1))}
    assert fhir_outcomes({"Condition.ndjson": conditions, "Patient.ndjson": patient.encode()}) == expected


def test_conditions_of_another_disease_are_refused() -> None:
    conditions = lines(condition("2015-02-01", "active", ASTHMA), condition("2025-03-01", "relapse"))
    with pytest.raises(BadCohortError, match=r"later\.ndjson holds Conditions of MB-1 with no code in common"):
        fhir_outcomes({"later.ndjson": conditions})
