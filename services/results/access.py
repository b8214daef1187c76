"""Who may ask what over HTTP: bearer tokens and roles."""

from collections.abc import Callable

from fastapi import Request

from shared.rpc.auth import EVERY_ROLE, ForbiddenError, OpenOnLoopback, Principal, Verifier, admitted

READERS = EVERY_ROLE
OPERATORS = frozenset({"operator"})
_THIS_MACHINE = frozenset({"127.0.0.1", "localhost", "::1"})


def require(verifier: Verifier, roles: frozenset[str]) -> Callable[[Request], Principal]:
    """A dependency that lets those pass who hold one of `roles`."""

    def check(request: Request) -> Principal:
        if isinstance(verifier, OpenOnLoopback):
            _check_host(request)
        return admitted(verifier, request.headers.get("authorization", ""), roles)

    return check


def _check_host(request: Request) -> None:
    """Refuse a page of another site that a browser was tricked into sending here under that site's name."""
    if request.url.hostname not in _THIS_MACHINE:
        raise ForbiddenError("without a token issuer results are shown at 127.0.0.1 and localhost only")
