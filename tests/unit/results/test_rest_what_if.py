"""What-if over REST: the scorer behind it is the real one, in this process."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from google.protobuf import json_format
from medulla.v1.scorer_pb2 import DescribeFormRequest, DescribeFormResponse, Score, ScoreCaseRequest

from services.results import bounded_scorer, slots
from services.results.errors import TooManyQuestionsError
from services.results.rest import Login, create_app
from services.results.what_if_body import LARGEST_BODY
from services.standalone.laptop_scorer import LaptopScorer
from shared import keys
from shared.errors import TransientError
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings
from tests.support.fusion import clinical_json
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results
from tests.support.scorer import CASE, Scorer
from tests.support.vector_bundle import vector_json

PATH = f"/api/v1/cases/{CASE}/what-if"


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    created = Scorer(tmp_path / "scorer")
    created.promote_vectors()
    created.land(keys.clinical(CASE), clinical_json(stage="M0"))
    created.land(keys.vector(CASE, "blood"), vector_json("blood", hb=10))
    return created


@pytest.fixture
def client(results: Results, scorer: Scorer) -> Iterator[TestClient]:
    laptop = LaptopScorer(scorer.what_if)
    app = create_app(results.backends(scorer=laptop))
    with TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False) as opened:
        yield opened


def answered(client: TestClient, **body: object) -> Score:
    answer = client.post(PATH, json=body)
    assert answer.status_code == 200, answer.text
    return json_format.Parse(answer.text, Score())


def test_each_change_is_answered_with_a_score_and_nothing_is_stored(client: TestClient, scorer: Scorer) -> None:
    before = [info.key for info in scorer.store.list("")]
    stored = answered(client)
    assert stored.model == "clinical_blood"
    worse = answered(client, clinical_record={"stage": "M1"})
    assert worse.risks[0].risk > stored.risks[0].risk
    assert answered(client, vectors={"blood": {"hb": 14.0}}).log_risk != stored.log_risk
    assert answered(client, without_vectors=["blood"], without_slides=True).model == "clinical"
    assert {item.event_free_years for item in answered(client, event_free_years=2).event_free_risks} == {2}
    assert answered(client, bundle=stored.provenance.bundle_digest) == stored
    assert [info.key for info in scorer.store.list("")] == before


def test_an_empty_body_asks_for_the_case_as_it_stands(client: TestClient) -> None:
    answer = client.post(PATH)
    assert answer.json()["certainty"]["state"] in {"clear", "crosses_threshold", "too_uncertain"}
    assert json_format.Parse(answer.text, Score()) == answered(client)


def test_the_form_is_the_profile_with_the_stored_values(client: TestClient) -> None:
    form = client.get(PATH).json()
    assert form["clinical_record"] == {"stage": "M0"}
    assert [block["title"] for block in form["blocks"]] == ["slides", "blood counts", "MRI texture"]
    assert json_format.ParseDict(form, DescribeFormResponse()).variables[0].kind == "numeric"


@pytest.mark.parametrize(
    ("body", "reason", "words"),
    [
        (b'{"clinical_record": {"stage": "M9"}}', "bad_clinical_record", 'stage is \\"M9\\"'),
        (b'{"vectors": {"blood": {"x": 1}}}', "bad_vectors", "no column"),
        (b'{"vectors": {"blood": {"hb": "high"}}}', "bad_request", "vectors.blood.hb"),
        (b'{"without_vectors": ["zz"]}', "bad_vectors", "no model of block"),
        (b'{"event_free_years": 9}', "bad_request", "above 0 and below 5"),
        (b'{"event_free_years": true}', "bad_request", "event_free_years"),
        (b'{"bundle": "x"}', "bad_request", "bundle"),
        (b'{"without_slide": true}', "bad_request", "without_slide"),
        (b'{"a": 1, "a": 2}', "bad_request", "more than once"),
        (b"[1]", "bad_request", "no JSON object"),
        (b"{", "bad_request", "no JSON"),
        (b" " * (LARGEST_BODY + 1), "bad_request", "more than 1000000 bytes"),
    ],
)
def test_a_bad_question_is_a_problem_in_one_sentence(client: TestClient, body: bytes, reason: str, words: str) -> None:
    answer = client.post(PATH, content=body)
    assert (answer.status_code, answer.json()["reason"]) == (400, reason)
    assert words in json.dumps(answer.json()["detail"])
    assert answer.json()["advice"]


def test_a_case_that_is_not_stored_is_not_found(client: TestClient) -> None:
    for answer in (client.post("/api/v1/cases/MB-9/what-if"), client.get("/api/v1/cases/MB-9/what-if")):
        assert (answer.status_code, answer.json()["reason"]) == (404, "not_found")


class Recording:
    """A scorer that remembers the authorization of requests, and is down if set so."""

    def __init__(self, *, down: bool = False) -> None:
        self.headers: list[str] = []
        self._down = down

    def score(self, request: ScoreCaseRequest, authorization: str) -> Score:
        if self._down:
            raise TransientError("the scorer does not answer now; ask again")
        self.headers.append(authorization)
        return Score(case_id=request.case_id)

    def describe(self, request: DescribeFormRequest, authorization: str) -> DescribeFormResponse:
        self.headers.append(authorization)
        return DescribeFormResponse(bundle_name=request.case_id)


def test_the_scorer_is_asked_with_the_callers_own_token_and_only_for_roles(
    results: Results, issuer: OidcIssuer
) -> None:
    settings = AuthSettings(issuer=issuer.url, audience="medulla")
    recording = Recording()
    app = create_app(
        results.backends(TokenVerifier(settings), scorer=recording),
        login=Login(issuer.url, "page"),
    )
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for role, status in (("viewer", 200), ("operator", 200), ("guest", 403)):
            headers = {"Authorization": f"Bearer {issuer.token(roles=[role])}"}
            assert client.post(PATH, headers=headers).status_code == status
            assert client.get(PATH, headers=headers).status_code == status
        assert client.post(PATH).status_code == 401
    assert len(recording.headers) == 4
    assert all(header.startswith("Bearer ") for header in recording.headers)


def test_a_scorer_that_is_down_is_a_problem_to_ask_again(results: Results) -> None:
    app = create_app(results.backends(scorer=Recording(down=True)))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        answer = client.post(PATH)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "the scorer does not answer now" in answer.json()["detail"]


def test_no_more_than_a_few_questions_are_open_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "_WAIT_S", 0.01)
    monkeypatch.setattr(bounded_scorer, "AT_ONCE", 1)

    class AsksAgain(Recording):
        def score(self, request: ScoreCaseRequest, authorization: str) -> Score:
            return bounded.score(request, authorization)

    bounded = bounded_scorer.BoundedScorer(AsksAgain())
    with pytest.raises(TooManyQuestionsError, match="too many what-if questions"):
        bounded.score(ScoreCaseRequest(case_id=CASE), "")
    assert bounded.describe(DescribeFormRequest(case_id=CASE), "").bundle_name == CASE


def test_the_description_of_the_api_names_body_and_answers(client: TestClient) -> None:
    described = client.get("/api/v1/openapi.json").json()
    routes = described["paths"]["/api/v1/cases/{case_id}/what-if"]
    assert routes["post"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/Score")
    body = routes["post"]["requestBody"]["content"]["application/json"]["schema"]
    names = ["clinical_record", "vectors", "without_vectors", "without_slides", "event_free_years", "bundle"]
    assert list(body["properties"]) == names
    form = described["components"]["schemas"]["DescribeFormResponse"]["properties"]
    assert form["clinical_record"] == {"type": "object"}
