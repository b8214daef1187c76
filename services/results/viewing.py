"""Records who looked at which case: once an hour for each person, case and kind of answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol

import grpc
from fastapi import Request

from shared.rpc.auth import EVERY_ROLE, Principal, Verifier, admitted
from shared.times import utc_now

Viewed = Callable[[grpc.ServicerContext, str, str], None]
"""Told of each call: its context, the case (empty for lists), and the kind of answer."""

CASE, LIST = "case", "list"
_LISTS = {
    "/api/v1/cases": LIST,
    "/api/v1/cases.csv": "cases.csv",
    "/api/v1/notes.csv": "notes.csv",
}
"""Routes that show many cases, and what a view of them is called."""
_MOST_KNOWN = 10_000


@dataclass(frozen=True, slots=True)
class View:
    """One person looked at one case, or at a list of many."""

    at: datetime
    """The first time within its hour; aware."""
    subject: str
    """Of the token."""
    name: str
    """What people call the caller; empty where the token does not say."""
    case_id: str
    """Empty for lists; the SHA-256 of the id once the case was erased."""
    what: str
    """case, list, cases.csv or notes.csv."""


class ViewStore(Protocol):
    """Keeps views; every method may raise TransientError when the database is down."""

    def record_view(self, view: View) -> bool:
        """Keep the first view of its hour; False where nothing is stored of its case."""

    def views(self, case_id: str, subject: str, limit: int) -> list[View]:
        """At most `limit` views, the latest first; of one case or person where these are not empty."""

    def forget_views(self, before: datetime) -> int:
        """Delete older views and return their number."""


@dataclass
class Viewing:
    """Records views, and asks the database once an hour for each of them."""

    store: ViewStore
    now: Callable[[], datetime] = utc_now
    _known: set[tuple[str, str, str, datetime]] = field(default_factory=set)
    _lock: Lock = field(default_factory=Lock)

    def note(self, who: Principal, case_id: str, what: str = CASE) -> None:
        """Record a view before it is answered.

        Raises:
            TransientError: the database is down; then nothing is shown.
        """
        at = self.now()
        key = (who.subject, case_id, what, hour_of(at))
        if key in self._known:
            return
        if not self.store.record_view(View(at, who.subject, who.name, case_id, what)):
            return
        with self._lock:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known.add(key)

    def around(self, reader: Callable[[Request], Principal]) -> Callable[[Request], Principal]:
        """A dependency that admits as `reader` does, and records what the request is about."""

        def admit(request: Request) -> Principal:
            who = reader(request)
            if case_id := request.path_params.get("case_id"):
                self.note(who, str(case_id))
            elif what := _LISTS.get(request.url.path):
                self.note(who, "", what)
            return who

        return admit

    def of_calls(self, verifier: Verifier) -> Viewed:
        """What a gRPC servicer calls with its context, the case and the kind of answer."""

        def note(context: grpc.ServicerContext, case_id: str, what: str) -> None:
            token = str(dict(context.invocation_metadata()).get("authorization", ""))
            self.note(admitted(verifier, token, EVERY_ROLE), case_id, what)

        return note


@dataclass(frozen=True)
class ForgetViews:
    """Deletes views that are older than they are kept."""

    store: ViewStore
    kept: timedelta
    now: Callable[[], datetime] = utc_now

    def __call__(self) -> None:
        """Delete once.

        Raises:
            TransientError: the database is down.
        """
        self.store.forget_views(self.now() - self.kept)


def hour_of(at: datetime) -> datetime:
    """The beginning of the hour, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
