"""What a bus must do; `kafka` and `memory` are the two that do it, held to one contract test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Protocol

from shared.errors import PermanentError


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes on a topic, with the key that keeps a case in order and headers that explain them."""

    topic: str
    key: str
    value: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A record as it was read, with the place it was read from."""

    record: Record
    partition: int
    offset: int
    written_at: float = 0.0
    """Unix seconds at which the bus took the record; 0 where it does not say."""

    @property
    def origin(self) -> str:
        """Where the record stands, as `topic/partition/offset`."""
        return f"{self.record.topic}/{self.partition}/{self.offset}"


LARGEST_BYTES = 2_097_152
"""Largest record we send: twice what Kafka takes elsewhere, so that whatever we could read we can put aside."""


class RecordTooLargeError(PermanentError):
    """A record that the bus does not take because of its size."""

    reason = "internal_error"
    advice = "Report it: Medulla bounds what it says, so this is a bug or a limit of the broker that was lowered."


def size_of(record: Record) -> int:
    """Bytes of a record's key, value and headers."""
    texts = (record.key, *record.headers.keys(), *record.headers.values())
    return len(record.value) + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


class Producer(Protocol):
    """Puts records on topics."""

    def send(self, records: Sequence[Record]) -> None:
        """Return when the bus holds all of them durably.

        Raises:
            TransientError: the bus did not acknowledge in time; sending again is safe.
            RecordTooLargeError: it will never take one of them.
        """


class Consumer(Protocol):
    """Reads topics as one member of a group, at least once."""

    def run(self, stop: Event, handle: Callable[[Delivery], None]) -> None:
        """Hand every delivery to `handle` until `stop` is set, then finish what is in flight and return.

        One delivery of a partition is in flight at a time, several partitions run side by side; the offset is committed
        after `handle` returned. A record with a `medulla-not-before` header (Unix seconds) waits for its time without
        holding up its partition's pollers. Records with a `medulla-turn` header are long work: where there are several
        handlers, one at least is free of it. What `handle` raises ends `run` with nothing committed for that delivery.
        """
