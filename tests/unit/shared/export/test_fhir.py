"""What a FHIR document says of a score; HL7's validator checks its form in tests/integration."""

import json
from typing import Any

import pytest
from fhir.resources.R4B.bundle import Bundle
from medulla.v1.scorer_pb2 import Score

from shared.export.fhir.document import fhir_document
from tests.support import scores as samples
from tests.support.exports import certain, exported, unanswered


def document(score: Score) -> dict[str, Any]:
    data = fhir_document(exported(score))
    Bundle.model_validate_json(data)
    return dict(json.loads(data))


def resources(score: Score, kind: str) -> list[dict[str, Any]]:
    every = (entry["resource"] for entry in document(score)["entry"])
    return [resource for resource in every if resource["resourceType"] == kind]


def test_a_clear_answer_is_a_percentage_with_its_group() -> None:
    (risk,) = resources(certain(), "RiskAssessment")
    first, second = risk["prediction"]
    assert (first["probabilityDecimal"], second["probabilityDecimal"]) == (31, 38)
    assert first["qualitativeRisk"] == {"text": "high"}
    assert (first["whenRange"]["low"]["value"], first["whenRange"]["high"]["value"]) == (0, 3)
    assert "90% interval 22.0% to 43.0%" in first["rationale"]


@pytest.mark.parametrize("state", ["", "crosses_threshold", "too_uncertain"])
def test_an_answer_that_is_not_clear_is_an_interval_without_group(state: str) -> None:
    score = samples.score()
    if state:
        score.certainty.state = state
    (risk,) = resources(score, "RiskAssessment")
    prediction = risk["prediction"][0]
    assert (prediction["probabilityRange"]["low"]["value"], prediction["probabilityRange"]["high"]["value"]) == (22, 43)
    assert not {"probabilityDecimal", "qualitativeRisk"} & set(prediction)


def test_an_abstained_score_predicts_nothing_and_says_why() -> None:
    (risk,) = resources(samples.abstained(), "RiskAssessment")
    assert "prediction" not in risk
    assert risk["method"]["text"] == "Model fused of bundle demo-simulated, from slides, clinical; it gave no risk"
    assert any("look like none in the training cohort" in note["text"] for note in risk["note"])


def test_a_score_that_no_model_could_answer_says_so_and_why_it_lists_no_record() -> None:
    score = unanswered()
    (risk,), (composition,) = resources(score, "RiskAssessment"), resources(score, "Composition")
    assert risk["method"]["text"] == "Bundle demo-simulated, none of whose models could answer"
    section = composition["section"][1]
    assert "does not repeat the record" in section["text"]["div"]
    assert (section["emptyReason"]["coding"][0]["code"], "entry" in section) == ("unavailable", False)


def test_every_resource_is_research_and_simulated_ones_are_test_data() -> None:
    bundle = document(samples.score())
    labelled = [bundle, *(entry["resource"] for entry in bundle["entry"])]
    for resource in labelled:
        assert [label["code"] for label in resource["meta"]["security"]] == ["HRESCH", "HTEST"]
    for resource in labelled[1:]:
        assert "Research use only" in resource["text"]["div"]
        assert "SIMULATED" in resource["text"]["div"]


def test_a_model_of_real_patients_is_not_labelled_as_test_data() -> None:
    score = samples.score()
    score.simulated = False
    text = fhir_document(exported(score)).decode()
    assert "HTEST" not in text
    assert "SIMULATED" not in text


def test_the_record_is_observations_with_units_and_gaps() -> None:
    score = samples.remarkable()
    score.contributions.add(variable="sex", value="female", label="sex", block="clinical")
    observations = {item["code"]["text"]: item for item in resources(score, "Observation")}
    age = observations["age at diagnosis years"]["valueQuantity"]
    assert (age["value"], age["unit"], age["code"]) == (4.2, "years", "a")
    assert observations["chang m stage"]["valueCodeableConcept"] == {"text": "M2"}
    assert observations["extent of resection"]["dataAbsentReason"]["coding"][0]["code"] == "unknown"
    assert observations["molecular group"]["note"] == [{"text": "Written “Group 3”, read as G3."}]
    assert observations["sex"]["code"]["coding"][0] == {
        "system": "http://loinc.org",
        "code": "46098-0",
        "display": "Sex",
    }
    assert "pathomics" not in observations
    assert resources(score, "Patient")[0]["gender"] == "female"


def test_the_patient_is_a_pseudonym_alone() -> None:
    (patient,) = resources(samples.score("MB-7"), "Patient")
    assert patient["identifier"] == [{"system": "urn:medulla:case", "value": "MB-7"}]
    assert not {"name", "birthDate", "address", "telecom"} & set(patient)


def test_the_device_is_the_bundle_and_the_provenance_names_every_input() -> None:
    score = samples.with_vectors()
    (device,) = resources(score, "Device")
    assert device["identifier"][0]["value"] == score.provenance.bundle_digest
    (provenance,) = resources(score, "Provenance")
    sources = {item["what"]["display"]: item["what"]["identifier"]["value"] for item in provenance["entity"]}
    assert sources["clinical record"] == score.provenance.clinical_digest
    assert set(sources) == {"slide A1", "slide A2", "vector blood", "vector texture", "clinical record", "encoder"}


def test_every_reference_leads_to_a_resource_of_the_document() -> None:
    bundle = document(samples.with_vectors())
    urls = {entry["fullUrl"] for entry in bundle["entry"]}
    assert len(urls) == len(bundle["entry"])
    assert set(references(bundle)) <= urls


def references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["reference"]] if isinstance(value.get("reference"), str) else []
        return own + [item for each in value.values() for item in references(each)]
    return [item for each in value for item in references(each)] if isinstance(value, list) else []


def test_the_same_score_is_the_same_document() -> None:
    assert fhir_document(exported(certain())) == fhir_document(exported(certain()))


def test_markup_in_a_remark_is_text() -> None:
    score = certain()
    score.remarks.add(code="profile_check", sentence="<script>alert(1)</script> & more")
    (risk,) = resources(score, "RiskAssessment")
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in risk["text"]["div"]
