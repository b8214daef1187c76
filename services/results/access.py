"""Who may ask what over HTTP: bearer tokens and roles."""

from collections.abc import Callable

from fastapi import Request

from shared.rpc.auth import ForbiddenError, Principal, Verifier

READERS = frozenset({"viewer", "operator"})
OPERATORS = frozenset({"operator"})


def require(verifier: Verifier, roles: frozenset[str]) -> Callable[[Request], Principal]:
    """A dependency that lets those pass who hold one of `roles`."""

    def check(request: Request) -> Principal:
        principal = verifier.verify(_bearer(request))
        if not roles & principal.roles:
            raise ForbiddenError(f"this needs the role {' or '.join(sorted(roles))}")
        return principal

    return check


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
