"""A case's current score as files over REST."""

import io
from collections.abc import Iterator
from http import HTTPStatus

import pydicom
import pytest
from fastapi.testclient import TestClient
from pydicom.uid import ParametricMapStorage

from services.results.rest import Login, create_app
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from shared.units import CaseId
from tests.support import qupath
from tests.support import scores as samples
from tests.support.oidc_issuer import OidcIssuer
from tests.support.rest_api import land_series
from tests.support.results import Results

CASE = "/api/v1/cases/MB-1"
FILES = ["report.pdf", "attention.geojson", "fhir", "report.dcm"]


@pytest.fixture
def client(results: Results) -> Iterator[TestClient]:
    app = create_app(results.backends())
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def test_attention_is_a_file_that_qupath_reads(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1", slides=("A1",)))
    answer = client.get(f"{CASE}/attention.geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-disposition"] == 'attachment; filename="MB-1.A1.geojson"'
    assert answer.headers["cache-control"] == "no-store"
    assert len(qupath.read_objects(answer.content)) == 88 + 5


def test_the_report_is_a_pdf(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    answer = client.get(f"{CASE}/report.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'attachment; filename="MB-1.pdf"'
    assert answer.content.startswith(b"%PDF-1.7")


def test_the_structured_report_is_dicom_and_a_slide_that_is_none_has_no_map(
    client: TestClient, results: Results
) -> None:
    results.score(samples.score("MB-1", slides=("A1",)))
    answer = client.get(f"{CASE}/report.dcm")
    assert answer.headers["content-type"] == "application/dicom"
    assert answer.content[128:132] == b"DICM"
    refused = client.get(f"{CASE}/attention.dcm")
    assert (refused.status_code, refused.json()["reason"]) == (HTTPStatus.NOT_FOUND, "not_found")


def test_attention_on_a_dicom_slide_is_a_parametric_map(client: TestClient, results: Results) -> None:
    land_series(results, CaseId("MB-1"))
    answer = client.get(f"{CASE}/attention.dcm")
    assert answer.headers["content-disposition"] == 'attachment; filename="MB-1.A1.dcm"'
    parametric_map = pydicom.dcmread(io.BytesIO(answer.content))
    assert parametric_map.SOPClassUID == ParametricMapStorage
    report = pydicom.dcmread(io.BytesIO(client.get(f"{CASE}/report.dcm").content))
    assert report.CurrentRequestedProcedureEvidenceSequence
    results.blobs.put("slides/MB-1/A1/level0.dcm", b"another")
    assert client.get(f"{CASE}/attention.dcm").status_code == HTTPStatus.NOT_FOUND


def test_the_document_is_fhir(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    answer = client.get(f"{CASE}/fhir")
    assert answer.headers["content-type"] == "application/fhir+json"
    assert (answer.json()["resourceType"], answer.json()["type"]) == ("Bundle", "document")


def test_of_several_slides_one_is_named_and_tiles_are_limited(client: TestClient, results: Results) -> None:
    results.score(samples.score("MB-1"))
    answer = client.get(f"{CASE}/attention.geojson")
    assert (answer.status_code, answer.json()["reason"]) == (HTTPStatus.BAD_REQUEST, "bad_request")
    assert "A1, A2" in answer.json()["detail"]
    few = client.get(f"{CASE}/attention.geojson", params={"slide": "A2", "most": 7})
    assert len(qupath.read_objects(few.content)) == 7 + 5


def test_a_missing_map_is_not_found_and_a_damaged_one_a_bad_gateway(client: TestClient, results: Results) -> None:
    score = results.score(samples.score("MB-1", slides=("A1",)))
    results.blobs.put(score.slides[0].attention_key, b"x")
    assert client.get(f"{CASE}/attention.geojson").status_code == HTTPStatus.BAD_GATEWAY
    results.blobs.delete(score.slides[0].attention_key)
    answer = client.get(f"{CASE}/attention.geojson")
    assert (answer.status_code, answer.json()["reason"]) == (HTTPStatus.NOT_FOUND, "not_found")


@pytest.mark.parametrize("file", FILES)
def test_a_case_without_a_score_has_no_files(client: TestClient, results: Results, file: str) -> None:
    assert client.get(f"{CASE}/{file}").status_code == HTTPStatus.NOT_FOUND
    results.blobs.put("slides/MB-1/A1.svs", b"x")
    answer = client.get(f"{CASE}/{file}")
    assert answer.json()["detail"] == "case MB-1 has no score"


@pytest.mark.parametrize("file", FILES)
def test_files_are_for_those_who_may_see_the_case(results: Results, issuer: OidcIssuer, file: str) -> None:
    results.score(samples.score("MB-1", slides=("A1",)))
    verifier = TokenVerifier(AuthSettings(issuer=issuer.url))
    login = Login(issuer.url, "medulla-page")
    client = TestClient(create_app(results.backends(verifier), login=login))
    assert client.get(f"{CASE}/{file}").status_code == HTTPStatus.UNAUTHORIZED
    for roles, status in ((["viewer"], HTTPStatus.OK), (["nobody"], HTTPStatus.FORBIDDEN)):
        headers = {"Authorization": f"Bearer {issuer.token(roles=roles)}"}
        assert client.get(f"{CASE}/{file}", headers=headers).status_code == status


def test_a_remark_that_names_other_cases_stays_in_the_house(client: TestClient, results: Results) -> None:
    score = samples.score("MB-1", slides=("A1",))
    score.remarks.add(code="same_slide_in_two_cases", sentence="Slide A1 is in another case too.", slide_id="A1")
    results.score(score)
    results.blobs.put(f"cases-of/{score.slides[0].slide_digest}/MB-2", b"{}")
    for file in FILES:
        assert b"MB-2" not in client.get(f"{CASE}/{file}").content
