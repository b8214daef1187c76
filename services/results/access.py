"""Who may ask what over HTTP: bearer tokens and roles."""

from collections.abc import Callable
from typing import Protocol

from fastapi import Request
from shared.rpc.auth import ForbiddenError, Principal

READERS = frozenset({"viewer", "operator"})
OPERATORS = frozenset({"operator"})


class Verifier(Protocol):
    """Tells whose token it is."""

    def verify(self, token: str) -> Principal:
        """Read a token.

        Raises:
            UnauthenticatedError: it is missing, forged, expired or meant for someone else.
        """


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
