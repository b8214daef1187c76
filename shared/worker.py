"""Runs handlers on deliveries, and publishes their results or the outcome of a failure."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from threading import Event as StopEvent
from typing import Any, Generic, TypeVar

from opentelemetry.trace import SpanKind

from shared import keys, metrics, turns
from shared.attempts import Attempts
from shared.bus import headers, topics
from shared.bus.dead_letters import attempts_of, origin_of, topic_of, turns_of, without_original
from shared.bus.events import Event, pseudonyms, to_record
from shared.bus.port import Consumer, Delivery, Producer, Record, RecordTooLargeError
from shared.bus.retry import GIVE_UP_AFTER, RetryPolicy
from shared.canonical import digest_of, sha256
from shared.errors import CrashedWorkerError, PermanentError, PoisonMessageError, TransientError
from shared.failures import Failures, Notify, notify_nobody
from shared.logs import bound, get
from shared.tracing import span

E = TypeVar("E")
_BUS_DOWN_WAIT_S = 1.0
_log = get(__name__)


def _whole(record: Record) -> Sequence[Record]:
    return (record,)


def _always(_: object) -> bool:
    return True


@dataclass(frozen=True)
class Route(Generic[E]):
    """What is done with the records of one topic."""

    topic: str
    decode: Callable[[Record], E]
    """Bytes to event; raises PoisonMessageError."""
    handle: Callable[[E], Iterable[Event]]
    """The work, its result durable on return; the events it returns are published before the offset is committed."""
    rejected: Callable[[E, PermanentError], Event | None] | None = None
    """Builds the event that notifies people of a refused input, in addition to the dead letter."""
    split: Callable[[Record], Sequence[Record]] = _whole
    """Splits a record about several objects, so that each fails on its own."""
    context: Callable[[E], Mapping[str, str]] = pseudonyms
    """The ids in logs and traces of the work; never one that may contain a person's name."""
    minor: bool = False
    """Frequent, unimportant records: completion is logged at DEBUG, not at INFO."""
    may_crash: Callable[[E], bool] = _always
    """Whether handling an event may crash the process, so that crashes are counted; costs two requests to the store."""


def subscriptions(service: str, routes: Sequence[Route[Any]]) -> tuple[str, ...]:
    """Topics that a service's consumer reads: its routes' and its own retry topic."""
    return (*(route.topic for route in routes), topics.retry_topic(service))


class Worker:
    """A part: every record of its routes ends as done, in the retry topic or as a dead letter.

    An unexpected error ends the record, never the process. With `attempts` a record that crashed three processes is
    given up as well.
    """

    def __init__(
        self,
        service: str,
        consumer: Consumer,
        producer: Producer,
        routes: Sequence[Route[Any]],
        retry: RetryPolicy | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._producer = producer
        self._routes = {route.topic: route for route in routes}
        self._failures = Failures(service, retry or RetryPolicy())
        self._attempts = attempts
        for topic in self._routes:
            metrics.RETRIES.labels(service, topic)

    def run(self, stop: StopEvent) -> None:
        """Work until `stop` is set, finish what is in flight, return."""
        self._consumer.run(stop, lambda delivery: self._on_delivery(delivery, stop))

    def _on_delivery(self, delivery: Delivery, stop: StopEvent) -> None:
        self._note_age(delivery)
        pieces: list[tuple[Route[Any], Delivery]] = []

        def take_apart() -> list[Record]:
            route = self._route(delivery)
            pieces.extend((route, replace(delivery, record=record)) for record in route.split(delivery.record))
            return []

        self._publish(delivery, self._failures.attempt(delivery, take_apart), stop)
        for route, single in pieces:
            with metrics.EVENT_SECONDS.labels(self._service, route.topic).time():
                records = self._outcome(route, single)
            self._publish(single, records, stop)

    def _route(self, delivery: Delivery) -> Route[Any]:
        topic = topic_of(origin_of(delivery))
        if topic not in self._routes:
            raise PoisonMessageError(f"{self._service} has no use for records of topic {topic}")
        return self._routes[topic]

    def _outcome(self, route: Route[Any], delivery: Delivery) -> list[Record]:
        """Handle the record; returns the records to publish."""
        with span(f"{self._service} {route.topic}", delivery.record.headers, SpanKind.CONSUMER) as own:

            def work() -> list[Record]:
                event = route.decode(delivery.record)
                about = route.context(event)
                own.set_attributes({f"medulla.{name}": text for name, text in about.items()})
                with bound(**about):
                    return self._handled(route, delivery, event)

            return self._failures.attempt(delivery, work)

    def _handled(self, route: Route[Any], delivery: Delivery, event: Any) -> list[Record]:
        notify = _notifier(route, event)

        def work() -> list[Record]:
            with self._attempt(route, delivery.record, event) as deaths:
                if deaths >= GIVE_UP_AFTER:
                    crashed = CrashedWorkerError(f"{deaths} processes died at work on this input")
                    return self._failures.give_up(delivery, crashed, notify)
                with turns.turn(turns_of(delivery.record)):
                    return self._done(route, event)

        return self._failures.attempt(delivery, work, notify)

    def _done(self, route: Route[Any], event: Any) -> list[Record]:
        began = time.monotonic()
        records = [to_record(result, self._service) for result in route.handle(event)]
        metrics.EVENTS.labels(self._service, route.topic, "ok").inc()
        level = logging.DEBUG if route.minor else logging.INFO
        _log.log(level, "done", topic=route.topic, events=len(records), seconds=round(time.monotonic() - began, 3))
        return records

    def _attempt(self, route: Route[Any], record: Record, event: Any) -> AbstractContextManager[int]:
        """Count crashes on a record, identified by its content and not by its offset."""
        if self._attempts is None or not route.may_crash(event):
            return nullcontext(0)
        named = record.headers.get(headers.CE_ID) or sha256(record.value)
        digest = digest_of([route.topic, named, record.headers.get(headers.REPLAYED, "")])
        case = route.context(event).get("case_id", "")
        return self._attempts.attempt(keys.attempt(self._service, digest, case), self._service)

    def _note_age(self, delivery: Delivery) -> None:
        if delivery.written_at and not attempts_of(delivery.record) and not turns_of(delivery.record):
            age = metrics.EVENT_AGE_SECONDS.labels(self._service, delivery.record.topic)
            age.observe(max(0.0, time.time() - delivery.written_at))

    def _publish(self, delivery: Delivery, records: Sequence[Record], stop: StopEvent) -> None:
        """Publish the results of a delivery, or a dead letter if they are too large for the bus."""
        try:
            self._send(records, stop)
        except RecordTooLargeError as error:
            self._publish_letters(self._failures.give_up(delivery, error), stop)

    def _publish_letters(self, letters: Sequence[Record], stop: StopEvent) -> None:
        try:
            self._send(letters, stop)
        except RecordTooLargeError:
            self._send([without_original(letter) for letter in letters], stop)

    def _send(self, records: Sequence[Record], stop: StopEvent) -> None:
        """Hold on to a durable result while the bus is down, rather than doing the work again."""
        while records:
            try:
                self._producer.send(records)
                return
            except TransientError as error:
                _log.warning("bus does not take results", sentence=str(error))
                if stop.wait(_BUS_DOWN_WAIT_S):
                    raise


def _notifier(route: Route[Any], event: Any) -> Notify:
    """The notification for a refusal of `event`."""
    rejected = route.rejected
    return notify_nobody if rejected is None else lambda error: rejected(event, error)
