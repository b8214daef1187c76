"""Dead letters: the original bytes, why they were given up, and the way back."""

import re
from dataclasses import dataclass

from shared.bus import headers, topics
from shared.bus.port import Delivery, Record
from shared.errors import PermanentError, PoisonMessageError


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What an operator sees of one dead letter."""

    reason: str
    sentence: str
    advice: str
    service: str
    origin: str
    """Where the record first stood, as topic/partition/offset."""
    attempts: int
    key: str
    value: bytes


def origin_of(delivery: Delivery) -> str:
    """Where a record first stood: a retried one says so in a header."""
    return delivery.record.headers.get(headers.ORIGIN, delivery.origin)


def topic_of(origin: str) -> str:
    """The topic of an origin `topic/partition/offset`."""
    return origin.rsplit("/", 2)[0]


def attempts_of(record: Record) -> int:
    """How many times handling the record has failed so far."""
    text = record.headers.get(headers.ATTEMPT, "0")
    return int(text) if text.isascii() and text.isdigit() else 0


def to_dead_letter(delivery: Delivery, error: PermanentError, service: str) -> Record:
    """Give a delivery up: its bytes as they were, its headers kept under a prefix, and the reason."""
    record = delivery.record
    kept = {headers.KEPT + name: text for name, text in record.headers.items() if name not in headers.BOOKKEEPING}
    said = {
        headers.REASON: error.reason,
        headers.SENTENCE: str(error),
        headers.ADVICE: error.advice,
        headers.ORIGIN: origin_of(delivery),
        headers.SERVICE: service,
        headers.ATTEMPT: str(attempts_of(record) + 1),
    }
    return Record(topics.DEAD_LETTERS, record.key, record.value, kept | said)


def read(record: Record) -> DeadLetter:
    """Read a dead letter for people; what it does not say is empty."""
    said = record.headers
    return DeadLetter(
        reason=said.get(headers.REASON, ""),
        sentence=said.get(headers.SENTENCE, ""),
        advice=said.get(headers.ADVICE, ""),
        service=said.get(headers.SERVICE, ""),
        origin=said.get(headers.ORIGIN, ""),
        attempts=attempts_of(record),
        key=record.key,
        value=record.value,
    )


def is_about(record: Record, case: str) -> bool:
    """Whether a dead letter is of a case: its event's, or that of an object of the case."""
    name = re.escape(case)
    landed = rf"(?:^|/)(?:(?:slides|vectors)/{name}/|clinical/{name}\.json$)"
    return record.key == case or re.search(landed, record.key) is not None


def original(record: Record) -> Record:
    """Turn a dead letter back into the record it was, on its first topic, with no failed attempt on it.

    Raises:
        PoisonMessageError: the record does not say where it came from.
    """
    topic = topic_of(record.headers.get(headers.ORIGIN, ""))
    if not topic:
        raise PoisonMessageError("a record on the dead-letter topic that does not say where it came from")
    kept = {
        name.removeprefix(headers.KEPT): text for name, text in record.headers.items() if name.startswith(headers.KEPT)
    }
    return Record(topic, record.key, record.value, kept)
