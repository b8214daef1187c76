"""Only those whom the issuer vouches for see results: over REST and over gRPC."""

from collections.abc import Callable, Iterator

import grpc
import pytest
from fastapi.testclient import TestClient
from medulla.v1 import results_pb2
from medulla.v1.results_pb2_grpc import ResultsServiceStub

from services.results.rest import Login, create_app
from shared.rpc.auth import TokenVerifier
from shared.settings import AuthSettings, Roles
from tests.support import scores as samples
from tests.support.oidc_issuer import LONG_AGO, OidcIssuer, SigningKey
from tests.support.results import Results, over_grpc

REFUSED: dict[str, Callable[[OidcIssuer], str]] = {
    "none": lambda _: "",
    "no token at all": lambda _: "abc",
    "expired": lambda issuer: issuer.token(exp=LONG_AGO),
    "forged": lambda issuer: issuer.token(SigningKey(kid=issuer.keys[0].kid)),
    "for another audience": lambda issuer: issuer.token(aud="somebody-else"),
    "of another issuer": lambda issuer: issuer.token(iss="https://evil.example"),
}
FORBIDDEN: dict[str, Callable[[OidcIssuer], str]] = {
    "without roles": lambda issuer: issuer.token(roles=None),
    "with a foreign role": lambda issuer: issuer.token(roles=["admin"]),
}
PATHS = (
    "/cases",
    "/cases/MB-1",
    "/cases/MB-1/scores",
    "/cases/MB-1/slides/A1/thumbnail",
    "/cases/MB-1/slides/A1/attention",
    "/cases.csv",
    "/case-counts?state=scored",
    "/cases/MB-1/timeline",
    "/cases/MB-1/notes",
    "/cases/MB-1/outcomes",
    "/notes.csv",
    "/me",
    "/progress",
    "/audit/verify",
    "/audit/views",
    "/waiting",
    "/dead-letters",
)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Results]:
    """A store with one scored case, the same for all tests here."""
    results = Results(tmp_path_factory.mktemp("access"))
    results.score(samples.score("MB-1"))
    yield results
    results.close()


@pytest.fixture(scope="module")
def verifier(issuer: OidcIssuer) -> TokenVerifier:
    return TokenVerifier(AuthSettings(issuer=issuer.url))


@pytest.fixture(scope="module")
def client(filled: Results, verifier: TokenVerifier, issuer: OidcIssuer) -> TestClient:
    return TestClient(create_app(filled.backends(verifier), login=Login(issuer.url, "medulla-page")))


@pytest.fixture(scope="module")
def stub(filled: Results, verifier: TokenVerifier) -> Iterator[ResultsServiceStub]:
    with over_grpc(filled, verifier) as address, grpc.insecure_channel(address) as channel:
        yield ResultsServiceStub(channel)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"} if token else {}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("path", PATHS)
def test_a_token_that_is_not_believed_is_401(client: TestClient, issuer: OidcIssuer, path: str, kind: str) -> None:
    answer = client.get(f"/api/v1{path}", headers=bearer(REFUSED[kind](issuer)))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["reason"] == "unauthorized"


@pytest.mark.parametrize("kind", FORBIDDEN)
@pytest.mark.parametrize("path", PATHS)
def test_a_token_without_the_role_is_403(client: TestClient, issuer: OidcIssuer, path: str, kind: str) -> None:
    answer = client.get(f"/api/v1{path}", headers=bearer(FORBIDDEN[kind](issuer)))
    assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
def test_an_operator_of_another_site_is_refused_in_a_sentence(filled: Results, issuer: OidcIssuer, path: str) -> None:
    north = Roles(viewer=("north-pathologists",), operator=("north-leads",))
    settings = AuthSettings(issuer=issuer.url, roles_claim="groups", roles=north)
    with TestClient(create_app(filled.backends(TokenVerifier(settings)))) as client:
        answer = client.get(f"/api/v1{path}", headers=bearer(issuer.token(groups=["south-leads"], roles=["operator"])))
        own = client.get("/api/v1/me", headers=bearer(issuer.token(groups=["north-leads", "staff"])))
    assert (answer.status_code, answer.json()["reason"]) == (403, "forbidden")
    assert answer.json()["detail"].startswith("this needs the role operator")
    assert own.json()["roles"] == ["operator"]


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_both_roles_may_read(client: TestClient, issuer: OidcIssuer, role: str) -> None:
    for path in PATHS[:-5]:
        assert client.get(f"/api/v1{path}", headers=bearer(issuer.token(roles=[role]))).status_code == 200


@pytest.mark.parametrize("path", ["/audit/verify", "/audit/views", "/waiting", "/dead-letters"])
def test_the_audit_record_and_dead_letters_are_for_operators(client: TestClient, issuer: OidcIssuer, path: str) -> None:
    answers = [
        client.get(f"/api/v1{path}", headers=bearer(issuer.token(roles=[role]))) for role in ("viewer", "operator")
    ]
    assert [answer.status_code for answer in answers] == [403, 200]


def test_a_note_holds_subject_and_name_of_the_token(client: TestClient, issuer: OidcIssuer) -> None:
    token = issuer.token(roles=["viewer"], sub="u-17", name="Ada Pathologist")
    note = client.post("/api/v1/cases/MB-1/notes", json={"kind": "seen"}, headers=bearer(token)).json()
    assert (note["author"], note["author_name"]) == ("u-17", "Ada Pathologist")
    assert client.get("/api/v1/me", headers=bearer(token)).json()["roles"] == ["viewer"]


def test_without_tokens_the_page_of_another_site_may_change_nothing(results: Results) -> None:
    results.score(samples.score("MB-1"))
    app = create_app(results.backends())
    client = TestClient(app, base_url="http://127.0.0.1:8080")
    statuses = [
        client.post("/api/v1/cases/MB-1/notes", json={"kind": "seen"}, headers={"Origin": origin}).status_code
        for origin in ("https://evil.example", "null", "http://127.0.0.1:8080")
    ]
    assert statuses == [403, 403, 201]


def test_the_shell_of_the_page_and_its_login_are_public(client: TestClient, issuer: OidcIssuer) -> None:
    assert "Medulla" in client.get("/").text
    assert client.get("/api/v1/config").json()["login"] == {
        "issuer": issuer.url,
        "client_id": "medulla-page",
        "scope": "openid",
    }
    assert f"connect-src 'self' {issuer.url};" in client.get("/").headers["content-security-policy"]


def test_an_issuer_that_is_away_means_later(results: Results) -> None:
    away = TokenVerifier(AuthSettings(issuer="http://127.0.0.1:1", timeout_s=0.5))
    client = TestClient(create_app(results.backends(away)))
    with OidcIssuer() as other:
        answer = client.get("/api/v1/cases", headers=bearer(other.token()))
    assert answer.status_code == 503


@pytest.mark.parametrize("kind", [*REFUSED, *FORBIDDEN])
def test_grpc_refuses_the_same_tokens(stub: ResultsServiceStub, issuer: OidcIssuer, kind: str) -> None:
    token = (REFUSED | FORBIDDEN)[kind](issuer)
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    status = grpc.StatusCode.UNAUTHENTICATED if kind in REFUSED else grpc.StatusCode.PERMISSION_DENIED
    with pytest.raises(grpc.RpcError) as caught:
        stub.ListCases(results_pb2.ListCasesRequest(), metadata=metadata, timeout=10)
    assert caught.value.code() == status
    with pytest.raises(grpc.RpcError) as caught:
        next(iter(stub.WatchProgress(results_pb2.WatchProgressRequest(), metadata=metadata, timeout=10)))
    assert caught.value.code() == status


def test_grpc_answers_like_rest(stub: ResultsServiceStub, client: TestClient, issuer: OidcIssuer) -> None:
    metadata = (("authorization", f"Bearer {issuer.token()}"),)
    case = stub.GetCase(results_pb2.GetCaseRequest(case_id="MB-1"), metadata=metadata, timeout=10)
    answer = client.get("/api/v1/cases/MB-1", headers=bearer(issuer.token())).json()
    assert case.score.score_id == answer["score"]["score_id"]
    listed = stub.ListCases(results_pb2.ListCasesRequest(page_size=1), metadata=metadata, timeout=10)
    assert [each.case_id for each in listed.cases] == ["MB-1"]
    kept = stub.ListScores(results_pb2.ListScoresRequest(case_id="MB-1"), metadata=metadata, timeout=10)
    assert [each.current for each in kept.scores] == [True]


@pytest.mark.parametrize(
    ("case", "code"), [("nobody", grpc.StatusCode.NOT_FOUND), ("../x", grpc.StatusCode.INVALID_ARGUMENT)]
)
def test_grpc_says_why_there_is_no_answer(
    stub: ResultsServiceStub, issuer: OidcIssuer, case: str, code: grpc.StatusCode
) -> None:
    metadata = (("authorization", f"Bearer {issuer.token()}"),)
    with pytest.raises(grpc.RpcError) as caught:
        stub.GetCase(results_pb2.GetCaseRequest(case_id=case), metadata=metadata, timeout=10)
    assert caught.value.code() == code


def test_grpc_shows_progress_as_it_happens(stub: ResultsServiceStub, issuer: OidcIssuer, filled: Results) -> None:
    filled.store.record_progress(samples.progress("MB-3", "A", 1, samples.at(9)))
    metadata = (("authorization", f"Bearer {issuer.token()}"),)
    watching = stub.WatchProgress(results_pb2.WatchProgressRequest(case_id="MB-3"), metadata=metadata, timeout=20)
    assert next(watching).progress.done == 1
    filled.store.record_progress(samples.progress("MB-2", "A", 5, samples.at(9)))
    filled.store.record_progress(samples.progress("MB-3", "A", 2, samples.at(9.5)))
    assert next(watching).progress.done == 2
    watching.cancel()
