"""The bus's interface; one contract test checks `kafka` and `memory`."""

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
    """A record as it was read, with its partition and offset."""

    record: Record
    partition: int
    offset: int
    written_at: float = 0.0
    """Unix seconds at which the bus stored the record; 0 if unknown."""

    @property
    def origin(self) -> str:
        """The record's offset, as `topic/partition/offset`."""
        return f"{self.record.topic}/{self.partition}/{self.offset}"


LARGEST_BYTES = 2_097_152
"""Largest record we send: twice Kafka's limit elsewhere, so that any record can become a dead letter."""


class RecordTooLargeError(PermanentError):
    """A record that is too large for the bus."""

    reason = "internal_error"
    advice = "Report it: Medulla bounds its records, so this is a bug or the broker's limit was lowered."


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
            RecordTooLargeError: one of them is too large.
        """


class Consumer(Protocol):
    """Reads topics as one member of a group, at least once."""

    def run(self, stop: Event, handle: Callable[[Delivery], None]) -> None:
        """Hand every delivery to `handle` until `stop` is set, then finish what is in flight and return.

        One delivery of a partition is in flight at a time, several partitions run in parallel; the offset is committed
        after `handle` returned. A record with a `medulla-not-before` header (Unix seconds) waits for its time without
        holding up its partition's pollers. Records with a `medulla-turn` header are long work: where there are several
        handlers, one at least is free of it, and of records of background topics; these wait, also between two of them,
        while a record of another topic is at work or due in this consumer. What `handle` raises ends `run` with nothing
        committed for that delivery.
        """
