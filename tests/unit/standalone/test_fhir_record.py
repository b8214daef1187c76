"""FHIR Bundles as clinical records."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.standalone.case import case_from
from services.standalone.fhir_record import flattened
from services.standalone.local_slides import slide_at
from shared.model.errors import BadClinicalRecordError

PATIENT = {"resourceType": "Patient", "name": [{"family": "Canary"}], "gender": "female", "birthDate": "2015-01-01"}
CONDITION = {"resourceType": "Condition", "onsetDateTime": "2020-01-01T08:00:00Z"}


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources]}


def observation(name: str, **value: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "code": {"text": name}} | value


def test_a_bundle_gives_gender_age_and_observations_and_nothing_that_names_the_patient() -> None:
    concept = {"coding": [{"code": "X", "display": "Group 3"}]}
    record = flattened(
        bundle(
            PATIENT,
            CONDITION,
            observation("Subgroup", valueCodeableConcept=concept),
            observation("Residual", valueQuantity={"value": 1.5, "unit": "cm2"}),
            observation("MYC amplified", valueBoolean=False),
        )
    )
    assert record == {
        "Patient.gender": "female",
        "Condition.age_days": 1826,
        "Subgroup": "Group 3",
        "Residual": "1.5 cm2",
        "MYC amplified": False,
    }


def test_a_map_makes_a_record_of_a_bundle(tmp_path: Path) -> None:
    (tmp_path / "fhir.json").write_text(json.dumps(bundle(PATIENT, CONDITION, observation("Mood", valueString="good"))))
    (tmp_path / "columns.yaml").write_text("columns: {Patient.gender: sex, Condition.age_days: age_at_diagnosis_days}")
    case = case_from([slide_at(tmp_path / "MB-7.svs")], tmp_path / "fhir.json", "MB-7", tmp_path / "columns.yaml")
    assert json.loads(case.clinical or b"") == {"sex": "female", "age_at_diagnosis_days": 1826}


def test_a_bundle_without_a_map_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "fhir.json").write_text(json.dumps(bundle(PATIENT)))
    with pytest.raises(BadClinicalRecordError, match="is a FHIR Bundle: say with --map"):
        case_from([slide_at(tmp_path / "MB-7.svs")], tmp_path / "fhir.json", "MB-7")


@pytest.mark.parametrize(
    ("resources", "sentence"),
    [
        ((), "holds 0 patients"),
        ((PATIENT, PATIENT), "holds 2 patients"),
        ((PATIENT, CONDITION, CONDITION | {"onsetDateTime": "2021-01-01"}), "Conditions of several dates"),
        ((PATIENT, observation("a", valueString="x"), observation("a", valueString="y")), "two values of 'a'"),
    ],
)
def test_a_bundle_that_is_not_of_one_patient_with_one_value_each_is_refused(resources: Any, sentence: str) -> None:
    with pytest.raises(BadClinicalRecordError, match=sentence):
        flattened(bundle(*resources))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
PARTS = st.fixed_dictionaries(
    {"resourceType": st.sampled_from(["Patient", "Condition", "Observation"])},
    optional=dict.fromkeys(("birthDate", "onsetDateTime", "code", "valueQuantity", "valueCodeableConcept"), JSON),
)


@given(st.lists(PARTS | JSON, max_size=4))
def test_any_bundle_is_read_or_refused(resources: list[Any]) -> None:
    try:
        entries = flattened(bundle(*resources))
    except BadClinicalRecordError:
        return
    assert all(isinstance(name, str) for name in entries)
