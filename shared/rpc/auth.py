"""Authentication: bearer tokens of an OpenID issuer, or none on a loopback address."""

import getpass
import ipaddress
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import grpc
import jwt
from jwt import PyJWK
from jwt.exceptions import ExpiredSignatureError, InvalidAudienceError, InvalidIssuerError, PyJWTError

from shared.errors import MedullaError
from shared.rpc.handlers import AroundCalls
from shared.rpc.issuer_keys import IssuerKeys
from shared.settings import AuthSettings
from shared.text import capped

_LONGEST_NAME = 200
_ALGORITHMS = frozenset({"RS256", "ES256"})
EVERY_ROLE = frozenset({"viewer", "operator"})


class UnauthenticatedError(MedullaError):
    """The caller is unknown: the token is missing, forged, expired or for another audience."""

    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.UNAUTHENTICATED


class ForbiddenError(MedullaError):
    """The caller is known, but lacks the role."""

    grpc_code: ClassVar[grpc.StatusCode] = grpc.StatusCode.PERMISSION_DENIED


class OpenToOthersError(MedullaError):
    """The settings would admit everybody on the network without a token."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller and its roles."""

    subject: str
    roles: frozenset[str]
    name: str = ""
    """What people call the caller; empty where the token does not say."""


CallerCheck = Callable[[grpc.ServicerContext], Principal]
"""Returns the caller of a gRPC call, or refuses it as `admitted` does."""


class Verifier(Protocol):
    """Verifies bearer tokens."""

    def verify(self, token: str) -> Principal:
        """Read a token, without the word `Bearer`; empty where none was sent.

        Raises:
            UnauthenticatedError: it is missing, forged, expired or for another audience.
            TransientError: the issuer does not answer.
        """


class TokenVerifier:
    """Accepts unexpired tokens that the issuer signed (RS256 or ES256) for our audience."""

    def __init__(self, settings: AuthSettings, keys: IssuerKeys | None = None) -> None:
        self._settings = settings
        self._keys = keys or IssuerKeys(settings)

    def verify(self, token: str) -> Principal:
        """Check signature, issuer, audience and times, then read subject and roles."""
        if not token:
            raise UnauthenticatedError("no bearer token was sent")
        try:
            claims = self._claims(token)
        except ExpiredSignatureError:
            raise UnauthenticatedError("the token has expired") from None
        except InvalidAudienceError:
            raise UnauthenticatedError("the token is meant for another audience") from None
        except InvalidIssuerError:
            raise UnauthenticatedError("the token is of another issuer") from None
        except (PyJWTError, ValueError):
            raise UnauthenticatedError("the token is not valid") from None
        roles = self._settings.roles.given_by(names_in(claims, self._settings.roles_claim))
        return Principal(claims["sub"], roles, _name_in(claims))

    def _claims(self, token: str) -> Mapping[str, Any]:
        header = jwt.get_unverified_header(token)
        key = self._key(header)
        issuers = (self._settings.issuer, f"{self._settings.issuer}/")
        claims: Mapping[str, Any] = jwt.decode(
            token,
            key,
            algorithms=[key.algorithm_name],
            audience=self._settings.audience,
            issuer=issuers,
            leeway=self._settings.leeway_s,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
        return claims

    def _key(self, header: Mapping[str, Any]) -> PyJWK:
        if header.get("alg") not in _ALGORITHMS:
            raise UnauthenticatedError("the token is not signed with RS256 or ES256")
        key = self._keys.find(str(header.get("kid", "")))
        if key is None or key.algorithm_name != header["alg"]:
            raise UnauthenticatedError("the token is not signed with a key of the issuer")
        return key


class OpenOnLoopback:
    """Grants everybody every role; only for an address that cannot be reached from other machines."""

    def __init__(self, host: str) -> None:
        if not _is_loopback(host):
            raise OpenToOthersError(
                f"without a token issuer nothing may listen on {host}: set MEDULLA_AUTH__ISSUER or use 127.0.0.1"
            )

    def verify(self, token: str) -> Principal:  # noqa: ARG002 - required by the protocol
        """The user of this machine."""
        return Principal("local", EVERY_ROLE, _local_user())


def verifier(settings: AuthSettings, host: str) -> Verifier:
    """A verifier of the issuer's tokens, whose keys are fetched at once; without an issuer, loopback only.

    Raises:
        OpenToOthersError: no issuer is set, and `host` can be reached from elsewhere.
    """
    if not settings.issuer:
        return OpenOnLoopback(host)
    keys = IssuerKeys(settings)
    keys.look()
    return TokenVerifier(settings, keys)


def _name_in(claims: Mapping[str, Any]) -> str:
    names = (claims.get(claim) for claim in ("name", "preferred_username"))
    return capped(next((name for name in names if isinstance(name, str) and name), ""), _LONGEST_NAME)


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


def names_in(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    """Names in the claim `path`, a name or dotted path: a list of strings, or words in one string; else none."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for name in path.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, str):
        return frozenset(value.split())
    return frozenset(name for name in value if isinstance(name, str)) if isinstance(value, list) else frozenset()


def admitted(verifier: Verifier, authorization: str, roles: frozenset[str]) -> Principal:
    """The caller of a request with this `authorization` header, if it has one of `roles`.

    Raises:
        UnauthenticatedError: the token is missing or not valid.
        ForbiddenError: the caller has none of the roles.
        TransientError: the issuer does not answer.
    """
    scheme, _, token = authorization.partition(" ")
    principal = verifier.verify(token.strip() if scheme.lower() == "bearer" else "")
    if not roles & principal.roles:
        raise ForbiddenError(f"this needs the role {' or '.join(sorted(roles))}")
    return principal


def caller_check(verifier: Verifier, roles: frozenset[str]) -> CallerCheck:
    """A check of a call's caller, as `admitted`; streams repeat it, so that none outlives its token."""
    return lambda context: admitted(verifier, str(dict(context.invocation_metadata()).get("authorization", "")), roles)


def require_role(verifier: Verifier, roles: frozenset[str] | set[str]) -> grpc.ServerInterceptor:
    """An interceptor that requires one of `roles`, except for health checks. Add it after the one for errors."""
    check = caller_check(verifier, frozenset(roles))

    @contextmanager
    def checked(_: str, context: grpc.ServicerContext) -> Iterator[None]:
        check(context)
        yield

    return AroundCalls(checked)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
