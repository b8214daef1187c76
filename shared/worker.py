"""Runs handlers on deliveries: decodes inside the guard, retries what may heal, gives up what cannot."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event as StopEvent
from typing import Any, Generic, TypeVar

from opentelemetry.trace import SpanKind

from shared import metrics
from shared.bus import topics
from shared.bus.dead_letters import attempts_of, origin_of, to_dead_letter, topic_of
from shared.bus.events import Event, pseudonyms, to_record
from shared.bus.port import Consumer, Delivery, Producer, Record
from shared.bus.retry import RetriesExhaustedError, RetryPolicy
from shared.errors import PermanentError, PoisonMessageError, TransientError
from shared.logs import bound, get
from shared.tracing import mark_failed, span

E = TypeVar("E")
_BUS_DOWN_WAIT_S = 1.0
_log = get(__name__)


def _whole(record: Record) -> Sequence[Record]:
    return (record,)


@dataclass(frozen=True)
class Route(Generic[E]):
    """What is done with the records of one topic."""

    topic: str
    decode: Callable[[Record], E]
    """Bytes to event; raises PoisonMessageError."""
    handle: Callable[[E], Iterable[Event]]
    """The work, its result durable on return; the events it returns are published before the offset is committed."""
    rejected: Callable[[E, PermanentError], Event | None] | None = None
    """Makes the event that tells people of a refused input, beside the dead letter."""
    split: Callable[[Record], Sequence[Record]] = _whole
    """Takes a record that says several things apart, so that each fails on its own."""
    context: Callable[[E], Mapping[str, str]] = pseudonyms
    """The ids that logs and traces of the work carry; never one that may be somebody's name."""
    minor: bool = False
    """Its records are many and of little weight: that they are done is logged at DEBUG, not at INFO."""


def subscriptions(service: str, routes: Sequence[Route[Any]]) -> tuple[str, ...]:
    """Topics that a service's consumer reads: its routes' and its own retry topic."""
    return (*(route.topic for route in routes), topics.retry_topic(service))


class Worker:
    """A part: every record of its routes ends as done, in the retry topic or as a dead letter; a bug stops it."""

    def __init__(
        self,
        service: str,
        consumer: Consumer,
        producer: Producer,
        routes: Sequence[Route[Any]],
        retry: RetryPolicy | None = None,
    ) -> None:
        self._service = service
        self._consumer = consumer
        self._producer = producer
        self._routes = {route.topic: route for route in routes}
        self._retry = retry or RetryPolicy()
        for topic in self._routes:
            metrics.RETRIES.labels(service, topic)

    def run(self, stop: StopEvent) -> None:
        """Work until `stop` is set, finish what is in flight, return."""
        self._consumer.run(stop, lambda delivery: self._on_delivery(delivery, stop))

    def _on_delivery(self, delivery: Delivery, stop: StopEvent) -> None:
        self._note_age(delivery)
        try:
            route = self._route(delivery)
            parts = [replace(delivery, record=record) for record in route.split(delivery.record)]
        except PoisonMessageError as error:
            self._publish([self._dead_letter(delivery, error)], stop)
            return
        for part in parts:
            with metrics.EVENT_SECONDS.labels(self._service, route.topic).time():
                said = self._outcome(route, part)
            self._publish(said, stop)

    def _route(self, delivery: Delivery) -> Route[Any]:
        topic = topic_of(origin_of(delivery))
        if topic not in self._routes:
            raise PoisonMessageError(f"{self._service} has no use for records of topic {topic}")
        return self._routes[topic]

    def _outcome(self, route: Route[Any], delivery: Delivery) -> list[Record]:
        """Do the work; what is to be published for it."""
        with span(f"{self._service} {route.topic}", delivery.record.headers, SpanKind.CONSUMER) as own:
            try:
                event = route.decode(delivery.record)
            except PermanentError as error:
                return [self._dead_letter(delivery, error)]
            about = route.context(event)
            own.set_attributes({f"medulla.{name}": text for name, text in about.items()})
            with bound(**about):
                return self._handled(route, delivery, event)

    def _handled(self, route: Route[Any], delivery: Delivery, event: Any) -> list[Record]:
        began = time.monotonic()
        try:
            said = [to_record(told, self._service) for told in route.handle(event)]
        except PermanentError as error:
            return self._rejection(route, delivery, event, error)
        except TransientError as error:
            return self._later(route, delivery, event, error)
        self._count(route.topic, "ok")
        level = logging.DEBUG if route.minor else logging.INFO
        _log.log(level, "done", topic=route.topic, said=len(said), seconds=round(time.monotonic() - began, 3))
        return said

    def _later(self, route: Route[Any], delivery: Delivery, event: Any, error: TransientError) -> list[Record]:
        again = self._retry.again(delivery, self._service, time.time())
        if again is None:
            return self._rejection(route, delivery, event, RetriesExhaustedError(str(error)))
        _log.warning("retry later", sentence=str(error), origin=origin_of(delivery), attempt=attempts_of(again))
        self._count(route.topic, "retried")
        metrics.RETRIES.labels(self._service, route.topic).inc()
        mark_failed(error)
        return [again]

    def _rejection(self, route: Route[Any], delivery: Delivery, event: Any, error: PermanentError) -> list[Record]:
        said = route.rejected(event, error) if route.rejected else None
        events = [] if said is None else [to_record(said, self._service)]
        return [*events, self._dead_letter(delivery, error)]

    def _dead_letter(self, delivery: Delivery, error: PermanentError) -> Record:
        _log.warning("dead letter", reason=error.reason, advice=error.advice, origin=origin_of(delivery))
        self._count(delivery.record.topic, "rejected")
        metrics.DEAD_LETTERS.labels(self._service, error.reason).inc()
        mark_failed(error)
        return to_dead_letter(delivery, error, self._service)

    def _count(self, topic: str, outcome: str) -> None:
        metrics.EVENTS.labels(self._service, topic, outcome).inc()

    def _note_age(self, delivery: Delivery) -> None:
        if delivery.written_at and not attempts_of(delivery.record):
            age = metrics.EVENT_AGE_SECONDS.labels(self._service, delivery.record.topic)
            age.observe(max(0.0, time.time() - delivery.written_at))

    def _publish(self, records: Sequence[Record], stop: StopEvent) -> None:
        """Hold on to a durable result while the bus is down, rather than doing the work again."""
        while True:
            try:
                self._producer.send(records)
                return
            except TransientError as error:
                _log.warning("bus does not take results", sentence=str(error))
                if stop.wait(_BUS_DOWN_WAIT_S):
                    raise
