"""Decides what happens to a failed record: a retry or a dead letter; a failure never stops the worker."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shared import metrics
from shared.bus.dead_letters import attempts_of, origin_of, to_dead_letter, topic_of, turns_of
from shared.bus.events import Event, to_record
from shared.bus.port import Delivery, Record
from shared.bus.retry import RetriesExhaustedError, RetryPolicy
from shared.errors import GivenUpError, MedullaError, PermanentError, TransientError, UnfinishedError
from shared.incidents import STOPS, incident
from shared.logs import get
from shared.tracing import mark_failed

Notify = Callable[[PermanentError], Event | None]
"""Makes the event that notifies people of a refusal."""
_log = get(__name__)


def notify_nobody(_: PermanentError) -> None:
    """For records that belong to no known case."""


@dataclass(frozen=True)
class Failures:
    """Decides for the records of one service."""

    service: str
    retry: RetryPolicy = field(default_factory=RetryPolicy)

    def attempt(
        self, delivery: Delivery, work: Callable[[], list[Record]], notify: Notify = notify_nobody
    ) -> list[Record]:
        """The records that `work` returns or, if it raises, those to publish instead."""
        try:
            return work()
        except STOPS:
            raise
        except BaseException as error:  # noqa: BLE001 - libraries in Rust panic outside of Exception
            return self._failed(delivery, error, notify)

    def give_up(self, delivery: Delivery, error: PermanentError, notify: Notify = notify_nobody) -> list[Record]:
        """A dead letter and the notification; without the notification if that fails."""
        try:
            event = notify(error)
            notices = [] if event is None else [to_record(event, self.service)]
        except TransientError as down:
            return self._later(delivery, down) or [self._dead_letter(delivery, error)]
        except STOPS:
            raise
        except BaseException as bug:  # noqa: BLE001 - as above
            incident(bug, self.service)
            notices = []
        return [*notices, self._dead_letter(delivery, error)]

    def _failed(self, delivery: Delivery, error: BaseException, notify: Notify) -> list[Record]:
        match error:
            case UnfinishedError():
                return [self._next_turn(delivery, error)]
            case GivenUpError():
                return self._later(delivery, error, fault=True) or self.give_up(delivery, error, notify)
            case PermanentError():
                return self.give_up(delivery, error, notify)
            case TransientError():
                exhausted = RetriesExhaustedError(str(error))
                return self._later(delivery, error) or self.give_up(delivery, exhausted, notify)
        return self._failed(delivery, incident(error, self.service), notify)

    def _later(self, delivery: Delivery, error: MedullaError, *, fault: bool = False) -> list[Record]:
        """The record for another attempt; empty when its attempts are used up."""
        again = self.retry.again(delivery, self.service, time.time(), fault=fault)
        if again is None:
            return []
        origin = origin_of(delivery)
        _log.warning("retry later", sentence=str(error), origin=origin, attempt=attempts_of(again))
        metrics.EVENTS.labels(self.service, topic_of(origin), "retried").inc()
        metrics.RETRIES.labels(self.service, topic_of(origin)).inc()
        mark_failed(error)
        return [again]

    def _next_turn(self, delivery: Delivery, error: UnfinishedError) -> Record:
        origin = origin_of(delivery)
        _log.info("the turn is over", sentence=str(error), origin=origin, turns=turns_of(delivery.record) + 1)
        metrics.EVENTS.labels(self.service, topic_of(origin), "unfinished").inc()
        return self.retry.next_turn(delivery, self.service)

    def _dead_letter(self, delivery: Delivery, error: PermanentError) -> Record:
        _log.warning("dead letter", reason=error.reason, advice=error.advice, origin=origin_of(delivery))
        metrics.EVENTS.labels(self.service, delivery.record.topic, "rejected").inc()
        metrics.DEAD_LETTERS.labels(self.service, error.reason).inc()
        mark_failed(error)
        return to_dead_letter(delivery, error, self.service)
