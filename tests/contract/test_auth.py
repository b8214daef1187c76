"""REST and gRPC check tokens alike: the same token gets the same answer from both."""

import base64
import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import grpc
import jwt
import pytest
from medulla.v1 import results_pb2, results_pb2_grpc

from services.results.http_server import HttpServer
from services.results.progress_feed import Feed
from services.results.queries import Queries
from services.results.rest import Backends, create_app
from services.results.servicer import ResultsServicer
from services.results.sql_store import SqlStore
from services.results.sql_views import SqlViews
from services.results.viewing import Viewing
from shared.blob.memory import MemoryStore
from shared.bus.memory import MemoryBus
from shared.redirects import opener
from shared.rpc.auth import EVERY_ROLE, TokenVerifier, caller_check, require_role
from shared.rpc.client import channel
from shared.rpc.server import GrpcServer
from shared.runtime import Part
from shared.settings import AuthSettings, Roles
from tests.support.oidc_issuer import FAR_AHEAD, LONG_AGO, OidcIssuer, SigningKey

Client = Callable[[str], str]
"""Sends a token, or none where it is empty; how it was answered."""
_BY_STATUS = {200: "welcome", 401: "unauthenticated", 403: "forbidden", 503: "unavailable"}
_BY_CODE = {
    grpc.StatusCode.UNAUTHENTICATED: "unauthenticated",
    grpc.StatusCode.PERMISSION_DENIED: "forbidden",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer() as running:
        yield running


@pytest.fixture(scope="module")
def clients(issuer: OidcIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Client]]:
    with _clients(AuthSettings(issuer=issuer.url, timeout_s=5), tmp_path_factory.mktemp("clients")) as opened:
        yield opened


@pytest.fixture(params=["rest", "grpc"])
def client(request: pytest.FixtureRequest, clients: dict[str, Client]) -> Client:
    return clients[request.param]


@contextmanager
def _clients(settings: AuthSettings, folder: Path) -> Iterator[dict[str, Client]]:
    """Clients of results over REST and gRPC."""
    store = SqlStore(f"sqlite:///{folder / 'results.db'}")
    store.migrate()
    verifying = TokenVerifier(settings)
    check, viewed = caller_check(verifying, EVERY_ROLE), Viewing(SqlViews(store.engine)).of_calls(verifying)
    servicer = ResultsServicer(Queries(store, MemoryStore()), Feed(store), check, viewed)
    rest = HttpServer("127.0.0.1", 0, create_app(Backends(store, MemoryStore(), verifying, MemoryBus().producer())))
    rpc = GrpcServer(
        "127.0.0.1:0",
        lambda server: results_pb2_grpc.add_ResultsServiceServicer_to_server(servicer, server),
        interceptors=[require_role(verifying, EVERY_ROLE)],
    )
    with ExitStack() as stack:
        stack.callback(store.close)
        for server in (rest, rpc):
            stack.enter_context(_running(server))
        yield {"rest": _rest(rest.port), "grpc": _grpc(rpc.port)}


@contextmanager
def _running(server: Part) -> Iterator[None]:
    stop = Event()
    thread = Thread(target=server.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(20)


def _rest(port: int) -> Client:
    def ask(token: str) -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return _BY_STATUS[_status(f"http://127.0.0.1:{port}/api/v1/cases", headers)]

    return ask


def _grpc(port: int) -> Client:
    def ask(token: str) -> str:
        with channel(f"127.0.0.1:{port}", token=(lambda: token) if token else None) as opened:
            try:
                results_pb2_grpc.ResultsServiceStub(opened).ListCases(results_pb2.ListCasesRequest())
            except grpc.RpcError as error:
                return _BY_CODE[error.code()] if isinstance(error, grpc.Call) else "lost"
        return "welcome"

    return ask


def _status(url: str, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as response:  # noqa: S310 - own server
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("roles", [["viewer"], ["operator"], ["viewer", "operator", "other"]])
def test_a_reader_is_welcome(issuer: OidcIssuer, client: Client, roles: list[str]) -> None:
    assert client(issuer.token(roles=roles)) == "welcome"


@pytest.mark.parametrize("roles", [[], ["gardener"], None, "nobody", {"viewer": True}])
def test_without_a_role_nobody_gets_in(issuer: OidcIssuer, client: Client, roles: Any) -> None:
    assert client(issuer.token(roles=roles)) == "forbidden"


BAD: dict[str, Callable[[OidcIssuer], str]] = {
    "no token": lambda _: "",
    "garbage": lambda _: "a.b.c",
    "expired": lambda issuer: issuer.token(exp=LONG_AGO),
    "not yet valid": lambda issuer: issuer.token(nbf=FAR_AHEAD),
    "another audience": lambda issuer: issuer.token(aud="somebody-else"),
    "another issuer": lambda issuer: issuer.token(iss="https://evil.example"),
    "forged": lambda issuer: issuer.token(SigningKey(kid=issuer.keys[-1].kid)),
    "unsigned": lambda issuer: jwt.encode(issuer.claims(roles=["operator"]), "", algorithm="none"),
    "signed with a shared secret": lambda issuer: jwt.encode(issuer.claims(), "s" * 32, algorithm="HS256"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_token_gets_nobody_in(issuer: OidcIssuer, client: Client, case: str) -> None:
    assert client(BAD[case](issuer)) == "unauthenticated"


def test_keycloaks_roles_are_found(issuer: OidcIssuer, tmp_path: Path) -> None:
    token = issuer.token(roles=None, realm_access={"roles": ["viewer"]})
    settings = AuthSettings(issuer=issuer.url, roles_claim="realm_access.roles", timeout_s=5)
    with _clients(settings, tmp_path) as clients:
        assert {name: client(token) for name, client in clients.items()} == {"rest": "welcome", "grpc": "welcome"}


def test_people_of_another_site_get_nothing_from_either(issuer: OidcIssuer, tmp_path: Path) -> None:
    """One issuer, audience and client for two hospitals, whose groups tell their people apart."""
    roles = Roles(viewer=("north-pathologists",), operator=("north-leads",))
    settings = AuthSettings(issuer=issuer.url, roles_claim="groups", roles=roles, timeout_s=5)
    with _clients(settings, tmp_path) as clients:
        for group, answer in {
            "north-pathologists": "welcome",
            "north-leads": "welcome",
            "south-leads": "forbidden",
            "operator": "forbidden",
        }.items():
            token = issuer.token(groups=[group], roles=["operator"])
            assert {name: client(token) for name, client in clients.items()} == {"rest": answer, "grpc": answer}


def test_an_issuer_that_never_answered_makes_unavailable_not_unknown(tmp_path: Path) -> None:
    with OidcIssuer() as issuer:
        issuer.down = True
        with _clients(AuthSettings(issuer=issuer.url, timeout_s=2), tmp_path) as clients:
            answers = {name: client(issuer.token()) for name, client in clients.items()}
    assert answers == {"rest": "unavailable", "grpc": "unavailable"}


def test_a_login_with_a_code_and_pkce_gives_a_token_that_both_doors_take(
    issuer: OidcIssuer, clients: dict[str, Client]
) -> None:
    verifier = secrets.token_urlsafe(32)
    code = _logged_in(issuer, verifier)
    assert _exchange(issuer, code, "another verifier") == {"error": "invalid_grant"}
    tokens = _exchange(issuer, _logged_in(issuer, verifier), verifier)
    assert {name: client(tokens["access_token"]) for name, client in clients.items()} == {
        "rest": "welcome",
        "grpc": "welcome",
    }
    assert clients["rest"](tokens["id_token"]) == "unauthenticated"


def _logged_in(issuer: OidcIssuer, verifier: str) -> str:
    challenge = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": "medulla-page",
        "redirect_uri": "http://127.0.0.1/back",
        "state": "s1",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with pytest.raises(urllib.error.HTTPError) as redirected:
        opener().open(f"{issuer.url}/authorize?{urlencode(query)}", timeout=10)
    answer = parse_qs(urlsplit(redirected.value.headers["Location"]).query)
    assert (redirected.value.code, answer["state"]) == (302, ["s1"])
    return answer["code"][0]


def _exchange(issuer: OidcIssuer, code: str, verifier: str) -> dict[str, Any]:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "client_id": "medulla-page",
        "redirect_uri": "http://127.0.0.1/back",
        "code_verifier": verifier,
    }
    try:
        with urllib.request.urlopen(f"{issuer.url}/token", urlencode(form).encode(), timeout=10) as response:  # noqa: S310 - own server
            answer: dict[str, Any] = json.load(response)
            return answer
    except urllib.error.HTTPError as error:
        refused: dict[str, Any] = json.load(error)
        return refused
