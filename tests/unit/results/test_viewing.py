"""Who looked at which case is recorded before it is shown, and kept for as long as the settings say."""

from datetime import timedelta

import grpc
import pytest
from fastapi.testclient import TestClient
from medulla.v1 import results_pb2
from medulla.v1.results_pb2_grpc import ResultsServiceStub

from services.results.rest import create_app
from services.results.sql_views import SqlViews
from services.results.viewing import ForgetViews, View, Viewing
from shared.canonical import sha256
from shared.errors import TransientError
from shared.rpc.auth import OpenOnLoopback, Principal, TokenVerifier
from shared.settings import AuthSettings
from shared.units import CaseId
from tests.support import scores as samples
from tests.support.oidc_issuer import OidcIssuer
from tests.support.results import Results, over_grpc

ADA = Principal("u-17", frozenset({"viewer"}), "Ada Pathologist")


@pytest.fixture
def views(results: Results) -> SqlViews:
    results.score(samples.score("MB-1"))
    return SqlViews(results.store.engine)


def seen(views: SqlViews, case_id: str = "", subject: str = "") -> list[tuple[str, str, str]]:
    return [(view.subject, view.case_id, view.what) for view in views.views(case_id, subject, 10)]


def test_the_page_of_a_case_is_one_view_of_its_reader_whatever_it_asks_for(
    results: Results, views: SqlViews, issuer: OidcIssuer
) -> None:
    verifier = TokenVerifier(AuthSettings(issuer=issuer.url))
    client = TestClient(create_app(results.backends(verifier)))
    headers = {"Authorization": f"Bearer {issuer.token(roles=['viewer'], sub='u-17', name='Ada Pathologist')}"}
    for path in ("/cases/MB-1", "/cases/MB-1/scores", "/cases/MB-1/timeline", "/cases/MB-1", "/cases/MB-404"):
        client.get(f"/api/v1{path}", headers=headers)
    for path in ("/cases.csv", "/cases", "/me", "/cases/MB-1/scores"):
        client.get(f"/api/v1{path}", headers=headers)
    assert sorted(seen(views)) == [("u-17", "", "cases.csv"), ("u-17", "", "list"), ("u-17", "MB-1", "case")]
    assert {view.name for view in views.views("MB-1", "", 10)} == {"Ada Pathologist"}


def test_a_request_that_is_refused_is_no_view(results: Results, views: SqlViews, issuer: OidcIssuer) -> None:
    client = TestClient(create_app(results.backends(TokenVerifier(AuthSettings(issuer=issuer.url)))))
    assert client.get("/api/v1/cases/MB-1").status_code == 401
    assert seen(views) == []


def test_a_case_asked_for_over_grpc_is_a_view(results: Results, views: SqlViews) -> None:
    with over_grpc(results, OpenOnLoopback("127.0.0.1")) as address, grpc.insecure_channel(address) as channel:
        ResultsServiceStub(channel).GetCase(results_pb2.GetCaseRequest(case_id="MB-1"))
    assert [case for _, case, _ in seen(views)] == ["MB-1"]


def test_each_hour_has_one_view_and_the_latest_comes_first(views: SqlViews) -> None:
    now = samples.at(0)
    viewing = Viewing(views, lambda: now)
    viewing.note(ADA, "MB-1")
    now += timedelta(minutes=5)
    Viewing(views, lambda: now).note(ADA, "MB-1")  # another replica
    now += timedelta(hours=1)
    viewing.note(ADA, "MB-1")
    assert [view.at for view in views.views("MB-1", "u-17", 10)] == [now, samples.at(0)]
    assert views.views("MB-1", "somebody else", 10) == []


def test_a_case_that_was_asked_for_before_it_came_is_recorded_when_it_is_there(
    results: Results, views: SqlViews
) -> None:
    viewing = Viewing(views, lambda: samples.at(0))
    viewing.note(ADA, "MB-2")
    results.score(samples.score("MB-2"))
    viewing.note(ADA, "MB-2")
    assert seen(views, "MB-2") == [("u-17", "MB-2", "case")]


def test_views_are_deleted_when_they_are_older_than_they_are_kept(views: SqlViews) -> None:
    for days in (0, 9, 11):
        views.record_view(View(samples.at(0) - timedelta(days=days), "u-17", "", "MB-1", "case"))
    ForgetViews(views, timedelta(days=10), lambda: samples.at(0))()
    assert len(views.views("MB-1", "", 10)) == 2


def test_an_erased_case_leaves_who_looked_under_its_digest_alone(results: Results, views: SqlViews) -> None:
    Viewing(views).note(ADA, "MB-1")
    results.store.erase(CaseId("MB-1"))
    assert seen(views, "MB-1") == [("u-17", sha256(b"MB-1"), "case")]


def test_nothing_is_shown_that_cannot_be_recorded(
    results: Results, views: SqlViews, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_: SqlViews, __: View) -> bool:
        raise TransientError("the database does not answer")

    monkeypatch.setattr(SqlViews, "record_view", away)
    client = TestClient(create_app(results.backends()), base_url="http://127.0.0.1", raise_server_exceptions=False)
    answer = client.get("/api/v1/cases/MB-1")
    assert answer.status_code == 503
    assert "score" not in answer.json()
    assert seen(views) == []
