"""When a failed record is tried again, and when it is given up."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from shared.bus import headers, topics
from shared.bus.dead_letters import attempts_of, faults_of, origin_of, turns_of
from shared.bus.port import Delivery, Record
from shared.text import capped
from shared.tracing import inject

GIVE_UP_AFTER = 3
"""Attempts that may end without an answer: with an unexpected error or a crashed process."""
DEFERRED_S = 5.0
"""How long a record waits that another process is at work on, or that a stopping one does not begin."""
_LONGEST_S = 3600.0
"""Longer than any wait between attempts, by as much as clocks may differ."""
AT_WORK = "another process is at work on it"
STOPPING = "the service is stopping; the next process goes on with it"
DEFERRALS = frozenset({AT_WORK, STOPPING})
"""Why such a record waits."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with jitter: attempt n waits half to all of min(cap, base * 2^(n-1)) seconds.

    By its defaults a dependency may be down for a day before anything that waits for it is given up.
    """

    base_s: float = 1.0
    cap_s: float = 300.0
    max_attempts: int = 400
    rng: random.Random = field(default_factory=random.Random)

    def delay_s(self, attempt: int) -> float:
        """Seconds to wait after the failed attempt number `attempt`, counted from 1."""
        longest = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60))
        return longest * self.rng.uniform(0.5, 1.0)

    def again(self, delivery: Delivery, group: str, now: float, *, why: str = "", fault: bool = False) -> Record | None:
        """The record for the group's retry topic, or None when its attempts are used up; `now` in Unix seconds.

        `why`: a sentence for people.
        `fault`: this attempt ended without an answer; the record is given up after GIVE_UP_AFTER of them.
        """
        record = delivery.record
        attempt, faults = attempts_of(record) + 1, faults_of(record) + fault
        if attempt >= self.max_attempts or faults >= GIVE_UP_AFTER:
            return None
        due = now + self.delay_s(attempt)
        added = {
            headers.ATTEMPT: str(attempt),
            headers.FAULTS: str(faults),
            headers.NOT_BEFORE: f"{due:.3f}",
            headers.WHY: capped(why),
        }
        return _retried(delivery, group, added)


def next_turn(delivery: Delivery, group: str) -> Record:
    """The record for the group's retry topic after a turn of long work; its attempts stay as they are."""
    return _retried(delivery, group, {headers.TURN: str(turns_of(delivery.record) + 1), headers.WHY: ""})


def deferred(delivery: Delivery, group: str, now: float, why: str) -> Record:
    """The record for the group's retry topic where work must not begin now; counts no attempt and no turn.

    `why`: one of DEFERRALS.
    """
    return _retried(delivery, group, {headers.NOT_BEFORE: f"{now + DEFERRED_S:.3f}", headers.WHY: why})


def _retried(delivery: Delivery, group: str, added: Mapping[str, str]) -> Record:
    """The record of a later attempt, whose work belongs to the trace of the first one."""
    record = delivery.record
    own = {**_trace(record), **record.headers, headers.ORIGIN: origin_of(delivery), **added}
    return Record(topics.retry_topic(group), record.key, record.value, own)


def _trace(record: Record) -> Mapping[str, str]:
    """The current trace, for a record that has none of its own: kept apart, so that its dead letter is the same."""
    carrier: dict[str, str] = {}
    if headers.TRACEPARENT not in record.headers:
        inject(carrier)
    return {headers.TRACE: carrier[headers.TRACEPARENT]} if carrier else {}


def trace_carrier(record: Record) -> Mapping[str, str]:
    """Headers with the `traceparent` of a record, else with that of its first attempt, if it has any."""
    first = record.headers.get(headers.TRACE)
    return {headers.TRACEPARENT: first} if first else record.headers


def not_before(record: Record, now: float) -> float:
    """Unix seconds before which a record must not be delivered.

    0 if it has no such time, or one that no wait reaches from `now`: a record of a clock that is wrong, or of another
    program, would hold its partition up.
    """
    try:
        due = float(record.headers.get(headers.NOT_BEFORE, "0"))
    except ValueError:
        return 0.0
    return due if 0.0 < due <= now + _LONGEST_S else 0.0
