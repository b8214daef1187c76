"""What a service does with the records of each topic that it reads."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from medulla.v1.events_pb2 import SlideRejected

from shared.bus import topics
from shared.bus.events import Event, pseudonyms
from shared.bus.port import Record
from shared.errors import PermanentError, PoisonMessageError

E = TypeVar("E")


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
    rejected: Callable[[E, PermanentError], SlideRejected | None] | None = None
    """Builds the event that notifies people of a refused input, in addition to the dead letter."""
    split: Callable[[Record], Sequence[Record]] = _whole
    """Splits a record about several objects, so that each fails on its own."""
    context: Callable[[E], Mapping[str, str]] = pseudonyms
    """The ids in logs and traces of the work; never one that may contain a person's name."""
    minor: bool = False
    """Frequent, unimportant records: completion is logged at DEBUG, not at INFO."""
    may_crash: Callable[[E], bool] = _always
    """Whether handling an event may crash the process, so that crashes are counted; costs two requests to the store."""
    reported: Callable[[SlideRejected], None] | None = None
    """Called once the event of `rejected` and the dead letter are on the bus: remembers that the refusal has both."""


def no_route(service: str, topic: str) -> Route[Any]:
    """A route that refuses every record, for a topic that the service has no use for."""

    def refuse(_: object) -> NoReturn:
        raise PoisonMessageError(f"{service} has no use for records of topic {topic}")

    return Route(topic, refuse, refuse, split=refuse)


def subscriptions(service: str, routes: Sequence[Route[Any]]) -> tuple[str, ...]:
    """Topics that a service's consumer reads: its routes' and its own retry topic."""
    return (*(route.topic for route in routes), topics.retry_topic(service))
