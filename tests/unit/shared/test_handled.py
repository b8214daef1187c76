"""What a service has handled reaches as far as nothing waits for it."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import TransientError
from shared.handled import HandledUntil

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(("unfinished", "is_handled"), [(0, True), (12, False)])
def test_an_hour_ago_is_handled_unless_announcements_wait(unfinished: int, is_handled: bool) -> None:
    until = HandledUntil(lambda: unfinished, lambda: NOON)()
    assert (until > NOON - timedelta(hours=1)) is is_handled
    assert until < NOON - timedelta(seconds=30), "what landed just now may still be announced"


def test_where_nobody_knows_what_waits_nothing_is_known_to_be_handled() -> None:
    def unfinished() -> int:
        raise TransientError("the queue does not say")

    assert HandledUntil(unfinished, lambda: NOON)() < NOON - timedelta(days=365)
