"""Authorization of HTTP requests by bearer token and role."""

from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import Request

from shared.rpc.auth import EVERY_ROLE, ForbiddenError, OpenOnLoopback, Principal, Verifier, admitted

READERS = EVERY_ROLE
OPERATORS = frozenset({"operator"})
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def require(verifier: Verifier, roles: frozenset[str]) -> Callable[[Request], Principal]:
    """A dependency that requires one of `roles`."""

    def check(request: Request) -> Principal:
        if isinstance(verifier, OpenOnLoopback):
            _check_host(request)
            _check_origin(request)
        return admitted(verifier, request.headers.get("authorization", ""), roles)

    return check


def _check_host(request: Request) -> None:
    """Refuse other host names, which protects against DNS rebinding by a page of another site."""
    if request.url.hostname not in _THIS_MACHINE:
        raise ForbiddenError("without a token issuer results are shown at 127.0.0.1 and localhost only")


def _check_origin(request: Request) -> None:
    """Refuse changes that the page of another site requests; without tokens nothing else tells it from ours."""
    origin = request.headers.get("origin")
    is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if request.method not in _READING and not is_own:
        raise ForbiddenError("without a token issuer pages of other sites may change nothing here")
