"""Authorization of HTTP requests by bearer token and role."""

from collections.abc import Callable

from fastapi import Request

from shared.rpc.auth import EVERY_ROLE, ForbiddenError, OpenOnLoopback, Principal, Verifier, admitted

READERS = EVERY_ROLE
OPERATORS = frozenset({"operator"})
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def require(verifier: Verifier, roles: frozenset[str]) -> Callable[[Request], Principal]:
    """A dependency that requires one of `roles`."""

    def check(request: Request) -> Principal:
        if isinstance(verifier, OpenOnLoopback):
            _check_host(request)
        return admitted(verifier, request.headers.get("authorization", ""), roles)

    return check


def _check_host(request: Request) -> None:
    """Refuse other host names, which protects against DNS rebinding by a page of another site."""
    if request.url.hostname not in _THIS_MACHINE:
        raise ForbiddenError("without a token issuer results are shown at 127.0.0.1 and localhost only")
