"""An OpenID issuer of the tests' own: discovery, keys, and a login by authorization code with PKCE, over HTTP."""

import base64
import hashlib
import json
import secrets
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
LONG_AGO, FAR_AHEAD = 1, 4_102_444_800
"""Seconds since 1970: the first of them, and the year 2100."""


@dataclass(frozen=True)
class SigningKey:
    """A key pair with the id under which it is published."""

    algorithm: str = "RS256"
    kid: str = field(default_factory=lambda: secrets.token_hex(4))
    private: PrivateKey = field(init=False)

    def __post_init__(self) -> None:
        private_key: PrivateKey = (
            rsa.generate_private_key(65537, 2048)
            if self.algorithm.startswith("RS")
            else ec.generate_private_key(ec.SECP256R1())
        )
        object.__setattr__(self, "private", private_key)

    def public_jwk(self) -> dict[str, Any]:
        """The public half, as JWKS lists it."""
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
        else:
            jwk = ECAlgorithm.to_jwk(public, as_dict=True)
        return {**jwk, "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    def sign(self, claims: Mapping[str, Any], **headers: Any) -> str:
        """A token with these claims."""
        return jwt.encode(dict(claims), self.private, self.algorithm, headers={"kid": self.kid, **headers})


@dataclass(frozen=True)
class _Login:
    """A code that was given out, and what must come back with it."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str


class OidcIssuer:
    """An issuer inside a `with` block; whoever asks to log in is `subject` with `roles`."""

    def __init__(
        self, audience: str = "medulla", subject: str = "tester", roles: Sequence[str] = ("viewer",), alg: str = "RS256"
    ) -> None:
        self.audience, self.subject, self.roles = audience, subject, tuple(roles)
        self.lifetime_s = 300
        self.down = False
        self.requests: Counter[str] = Counter()
        self.keys = [SigningKey(alg)]
        self._logins: dict[str, _Login] = {}
        self._server = _Server(("127.0.0.1", 0), self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def expired(self, seconds: int) -> str:
        """An access token that expired so many seconds ago."""
        return self.token(exp=int(time.time()) - seconds)

    def token(self, key: SigningKey | None = None, headers: Mapping[str, Any] | None = None, **claims: Any) -> str:
        """An access token; `claims` replace those it would have, None leaves one out."""
        return (key or self.keys[-1]).sign(self.claims(**claims), **(headers or {}))

    def claims(self, **changed: Any) -> dict[str, Any]:
        """What an access token says."""
        now = int(time.time())
        usual = {
            "iss": self.url,
            "aud": self.audience,
            "sub": self.subject,
            "iat": now,
            "exp": now + self.lifetime_s,
            "roles": list(self.roles),
        }
        return {name: value for name, value in (usual | changed).items() if value is not None}

    def rotate(self, *, keep_old: bool = True) -> None:
        """Sign with a new key from now on; the old one stays published or is withdrawn."""
        new = SigningKey(self.keys[-1].algorithm)
        self.keys = [*self.keys, new] if keep_old else [new]

    def discovery(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.keys[-1].algorithm],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, query: Mapping[str, str]) -> str:
        """Log `subject` in without asking; where the browser goes next.

        Raises:
            ValueError: the request is none of the code flow with PKCE.
        """
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise ValueError("unsupported_response_type")
        code = secrets.token_urlsafe(16)
        self._logins[code] = _Login(
            query["client_id"], query["redirect_uri"], query["code_challenge"], query.get("nonce", "")
        )
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query.get('state', '')})}"

    def exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Tokens for a code, which works once.

        Raises:
            ValueError: the code, its client, its address or its verifier is wrong.
        """
        login = self._logins.pop(form.get("code", ""), None)
        sent = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).decode()
        expected = (form.get("client_id"), form.get("redirect_uri"), sent.rstrip("="))
        if login is None or expected != (login.client_id, login.redirect_uri, login.challenge):
            raise ValueError("invalid_grant")
        return {
            "access_token": self.token(),
            "id_token": self.token(aud=login.client_id, nonce=login.nonce, roles=None),
            "token_type": "Bearer",
            "expires_in": self.lifetime_s,
        }


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], issuer: OidcIssuer) -> None:
        self.issuer = issuer
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        path, issuer = urlsplit(self.path).path, self.server.issuer
        issuer.requests[path] += 1
        if issuer.down:
            self._answer(503, {"error": "temporarily_unavailable"})
        elif path == "/.well-known/openid-configuration":
            self._answer(200, issuer.discovery())
        elif path == "/jwks":
            self._answer(200, {"keys": [key.public_jwk() for key in issuer.keys]})
        elif path == "/authorize":
            self._authorize(_flat(urlsplit(self.path).query))
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.issuer.requests[self.path] += 1
        try:
            self._answer(200, self.server.issuer.exchange(_flat(body)))
        except ValueError as error:
            self._answer(400, {"error": str(error)})

    def do_OPTIONS(self) -> None:
        self._answer(200, {})

    def _authorize(self, query: Mapping[str, str]) -> None:
        try:
            location = self.server.issuer.authorize(query)
        except (ValueError, KeyError) as error:
            self._answer(400, {"error": str(error)})
            return
        self.send_response(302)
        self.send_header("Location", location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: int, body: Mapping[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            "Cache-Control": "no-store",
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Headers": "*",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


def _flat(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
