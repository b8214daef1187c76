"""A login that a server refuses is waited for while its password may be about to change, and not for ever."""

from kafka.errors import SaslAuthenticationFailedError, TopicAuthorizationFailedError

from shared.bus.kafka_login import is_refused
from shared.bus.refused_logins import RefusedLogins

REFUSED = SaslAuthenticationFailedError("invalid credentials")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def may_end_at(refusals: RefusedLogins, clock: Clock, now: float) -> bool:
    clock.now = now
    return refusals.may_end(REFUSED)


def test_refusals_may_end_for_five_minutes_and_again_after_a_time_without_any() -> None:
    refusals = RefusedLogins(is_refused, clock := Clock())
    assert [may_end_at(refusals, clock, now) for now in (0, 59, 110, 165, 220, 275, 299, 301)] == [True] * 7 + [False]
    assert may_end_at(refusals, clock, 400)


def test_a_missing_right_does_not_end() -> None:
    assert not RefusedLogins(is_refused).may_end(TopicAuthorizationFailedError("slides.tiled"))
