"""Only tokens that the issuer signed for us, unexpired, are believed."""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import TransientError
from shared.rpc.auth import (
    OpenOnLoopback,
    OpenToOthersError,
    Principal,
    TokenVerifier,
    UnauthenticatedError,
    names_in,
    verifier,
)
from shared.rpc.issuer_keys import IssuerKeys
from shared.settings import AuthSettings
from tests.support.logs import logging_as
from tests.support.oidc_issuer import FAR_AHEAD, LONG_AGO, OidcIssuer, SigningKey
from tests.support.polling import eventually


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer(roles=("viewer", "other")) as running:
        yield running


def _settings(issuer: OidcIssuer, **changed: Any) -> AuthSettings:
    return AuthSettings(issuer=issuer.url, timeout_s=2, **changed)


def _hmac_with_the_public_key(issuer: OidcIssuer) -> str:
    """The algorithm confusion attack: the public key as an HMAC secret."""
    public = issuer.keys[-1].private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{_segment({'alg': 'HS256', 'kid': issuer.keys[-1].kid})}.{_segment(issuer.claims())}"
    mac = hmac.new(public, signed.encode(), sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _segment(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _altered(issuer: OidcIssuer) -> str:
    head, _, signature = issuer.token().split(".")
    return f"{head}.{_segment(issuer.claims(roles=['operator']))}.{signature}"


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_good_token_names_its_subject_and_roles(alg: str) -> None:
    with OidcIssuer(subject="dr-who", roles=("viewer", "other"), alg=alg) as issuer:
        principal = TokenVerifier(_settings(issuer)).verify(issuer.token())
    assert principal == Principal("dr-who", frozenset({"viewer"}))


BAD: dict[str, tuple[str, Callable[[OidcIssuer], str]]] = {
    "missing": ("no bearer token", lambda _: ""),
    "garbage": ("not valid", lambda _: "abc"),
    "not base64": ("not valid", lambda _: "a.b.c"),
    "expired": ("expired", lambda issuer: issuer.token(exp=LONG_AGO)),
    "not yet valid": ("not valid", lambda issuer: issuer.token(nbf=FAR_AHEAD)),
    "without expiry": ("not valid", lambda issuer: issuer.token(exp=None)),
    "without subject": ("not valid", lambda issuer: issuer.token(sub=None)),
    "without audience": ("not valid", lambda issuer: issuer.token(aud=None)),
    "for another audience": ("another audience", lambda issuer: issuer.token(aud="somebody-else")),
    "of another issuer": ("another issuer", lambda issuer: issuer.token(iss="https://evil.example")),
    "altered": ("not valid", _altered),
    "unsigned": ("not signed with RS256", lambda issuer: jwt.encode(issuer.claims(), "", algorithm="none")),
    "signed with HMAC": ("not signed with RS256", _hmac_with_the_public_key),
    "forged under our key's id": ("not valid", lambda issuer: issuer.token(SigningKey(kid=issuer.keys[-1].kid))),
    "forged with an unknown key": ("not signed with a key", lambda issuer: issuer.token(SigningKey())),
    "of a key for another algorithm": (
        "not signed with a key",
        lambda issuer: issuer.token(SigningKey("ES256", kid=issuer.keys[-1].kid)),
    ),
    "that brings its own key": (
        "not signed with a key",
        lambda issuer: (forger := SigningKey()).sign(issuer.claims(), jwk=forger.public_jwk()),
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_token_is_refused(issuer: OidcIssuer, case: str) -> None:
    sentence, make = BAD[case]
    token = make(issuer)
    with pytest.raises(UnauthenticatedError, match=sentence) as caught:
        TokenVerifier(_settings(issuer)).verify(token)
    assert not token or token not in str(caught.value)


@given(token=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_no_text_is_a_token_by_chance(token: str) -> None:
    with pytest.raises(UnauthenticatedError):
        TokenVerifier(AuthSettings(issuer="https://never.asked")).verify(token)


def test_clocks_may_differ_by_the_leeway(issuer: OidcIssuer) -> None:
    token = issuer.expired(10)
    assert TokenVerifier(_settings(issuer)).verify(token).subject == "tester"
    with pytest.raises(UnauthenticatedError, match="expired"):
        TokenVerifier(_settings(issuer, leeway_s=0)).verify(token)


def test_one_of_several_audiences_and_an_issuer_with_a_slash_will_do(issuer: OidcIssuer) -> None:
    token = issuer.token(aud=["account", "medulla"], iss=f"{issuer.url}/")
    assert TokenVerifier(_settings(issuer)).verify(token).subject == "tester"


def test_keys_are_fetched_once_for_many_tokens(issuer: OidcIssuer) -> None:
    verifying = TokenVerifier(_settings(issuer))
    for _ in range(5):
        verifying.verify(issuer.token())
    assert issuer.requests == {"/.well-known/openid-configuration": 1, "/jwks": 1}


def test_a_set_address_of_the_keys_needs_no_discovery(issuer: OidcIssuer) -> None:
    TokenVerifier(_settings(issuer, jwks_url=f"{issuer.url}/jwks")).verify(issuer.token())
    assert issuer.requests == {"/jwks": 1}


def test_a_new_key_is_fetched_but_not_more_often_than_the_pause(issuer: OidcIssuer) -> None:
    clock = Clock()
    verifying = TokenVerifier(_settings(issuer), IssuerKeys(_settings(issuer), clock))
    verifying.verify(issuer.token())
    for _ in range(20):
        with pytest.raises(UnauthenticatedError):
            verifying.verify(issuer.token(SigningKey("ES256")))
    assert issuer.requests["/jwks"] == 1
    issuer.rotate()
    clock.now += 11
    assert verifying.verify(issuer.token()).subject == "tester"
    assert issuer.requests["/jwks"] == 2


def test_a_withdrawn_key_is_soon_refused(issuer: OidcIssuer) -> None:
    clock = Clock()
    verifying = TokenVerifier(_settings(issuer), IssuerKeys(_settings(issuer), clock))
    token = issuer.token()
    verifying.verify(token)
    issuer.rotate(keep_old=False)
    clock.now += 901
    with pytest.raises(UnauthenticatedError):
        verifying.verify(token)


def test_known_keys_outlive_a_short_absence_of_the_issuer(issuer: OidcIssuer) -> None:
    clock = Clock()
    verifying = TokenVerifier(_settings(issuer), IssuerKeys(_settings(issuer), clock))
    verifying.verify(issuer.token())
    issuer.down = True
    clock.now += 3600
    assert verifying.verify(issuer.token()).subject == "tester"
    clock.now += 86_400
    with pytest.raises(TransientError, match="does not answer"):
        verifying.verify(issuer.token())


def test_an_issuer_that_is_down_is_no_reason_to_call_a_token_bad(issuer: OidcIssuer) -> None:
    issuer.down = True
    with pytest.raises(TransientError, match=r"does not answer at .*openid-configuration"):
        TokenVerifier(_settings(issuer)).verify(issuer.token())


def test_a_discovery_document_of_another_issuer_is_refused(issuer: OidcIssuer) -> None:
    other = AuthSettings(issuer=issuer.url.replace("127.0.0.1", "localhost"), timeout_s=2)
    with pytest.raises(TransientError, match="of another issuer"):
        TokenVerifier(other).verify(issuer.token())


@pytest.mark.parametrize(
    ("claims", "path", "roles"),
    [
        ({"roles": ["viewer"]}, "roles", {"viewer"}),
        ({"realm_access": {"roles": ["operator", "x"]}}, "realm_access.roles", {"operator", "x"}),
        ({"https://medulla.example/roles": ["viewer"]}, "https://medulla.example/roles", {"viewer"}),
        ({"scope": "viewer operator"}, "scope", {"viewer", "operator"}),
        ({"roles": ["viewer", 7, None]}, "roles", {"viewer"}),
        ({"roles": {"viewer": True}}, "roles", set()),
        ({"realm_access": "roles"}, "realm_access.roles", set()),
        ({}, "roles", set()),
    ],
)
def test_roles_are_found_where_the_settings_say(claims: dict[str, Any], path: str, roles: set[str]) -> None:
    assert names_in(claims, path) == roles


@pytest.mark.parametrize(
    ("groups", "roles"),
    [
        (["north-pathologists"], {"viewer"}),
        (["north-leads", "north-pathologists"], {"operator", "viewer"}),
        (["north night shift"], {"viewer"}),
        (["south-leads", "viewer", "operator", "north-pathologists-x", "NORTH-LEADS"], set()),
        ([], set()),
    ],
)
def test_names_of_the_issuer_give_the_roles_that_the_settings_map_them_to(
    issuer: OidcIssuer, groups: list[str], roles: set[str]
) -> None:
    north = {"viewer": ("north-pathologists", "north night shift"), "operator": ("north-leads",)}
    settings = _settings(issuer, roles_claim="groups", roles=north)
    assert TokenVerifier(settings).verify(issuer.token(groups=groups)).roles == roles


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.8.8"])
def test_on_loopback_everybody_may_do_everything(host: str) -> None:
    assert OpenOnLoopback(host).verify("").roles == {"viewer", "operator"}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "10.0.0.5", "medulla.example", "localhost.example", "*"])  # noqa: S104 - to be refused
def test_nothing_is_open_beyond_loopback(host: str) -> None:
    with pytest.raises(OpenToOthersError, match="MEDULLA_AUTH__ISSUER"):
        verifier(AuthSettings(), host)


def test_keys_are_looked_up_before_the_first_person_comes(issuer: OidcIssuer) -> None:
    verifier(_settings(issuer), "127.0.0.1")
    eventually(lambda: issuer.requests["/jwks"])
    assert issuer.requests["/jwks"] == 1


def test_an_issuer_that_is_not_there_is_told_before_the_first_person_comes() -> None:
    with logging_as("results", "INFO") as logged:
        IssuerKeys(AuthSettings(issuer="http://127.0.0.1:9", timeout_s=2)).look().join(timeout=20)
    [line] = logged.lines("keys of the token issuer were not fetched")
    assert line["sentence"].startswith("the token issuer does not answer at http://127.0.0.1:9/")


def test_with_an_issuer_loopback_is_not_open_either(issuer: OidcIssuer) -> None:
    with pytest.raises(UnauthenticatedError):
        verifier(_settings(issuer), "127.0.0.1").verify("")


def test_a_token_sends_no_request_to_an_address_that_it_names(issuer: OidcIssuer) -> None:
    with OidcIssuer() as other:
        forged = other.token(iss=other.url)
        headers = {"jku": f"{other.url}/jwks", "x5u": f"{other.url}/x5u", "jwk": other.keys[0].public_jwk()}
        pointing = (other.token(headers=headers, iss=issuer.url), issuer.token(headers=headers, iss=other.url))
        for token in (forged, *pointing):
            with pytest.raises(UnauthenticatedError):
                TokenVerifier(_settings(issuer)).verify(token)
        assert other.requests == {}


@pytest.mark.parametrize("url", ["http://127.0.0.1/jwks", "file:///etc/passwd", "ftp://x/y", None])
def test_an_issuer_on_https_cannot_name_keys_elsewhere_than_on_https(
    url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[str] = []

    def answer(_: IssuerKeys, address: str) -> dict[str, Any]:
        requested.append(address)
        return {"issuer": "https://issuer.example", "jwks_uri": url}

    monkeypatch.setattr(IssuerKeys, "_get", answer)
    with pytest.raises(TransientError, match="broken"):
        IssuerKeys(AuthSettings(issuer="https://issuer.example")).find("k")
    assert requested == ["https://issuer.example/.well-known/openid-configuration"]


class _Redirect(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", f"{self.server.leads_to}{self.path}")  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Requests are not worth a line."""


@pytest.mark.parametrize("names_keys", [False, True])
def test_keys_behind_a_redirect_are_not_fetched(issuer: OidcIssuer, names_keys: bool) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Redirect) as elsewhere:
        elsewhere.leads_to = issuer.url  # type: ignore[attr-defined]
        Thread(target=elsewhere.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        url = f"http://127.0.0.1:{elsewhere.server_port}"
        keys = IssuerKeys(AuthSettings(issuer=url, jwks_url=f"{url}/jwks" if names_keys else "", timeout_s=2))
        with pytest.raises(TransientError, match="redirects are not followed; configure the address it leads to"):
            keys.find("any")
        elsewhere.shutdown()
    assert not issuer.requests
