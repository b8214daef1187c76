"""Dead letters: the original bytes, the reason for the refusal, and how to replay them."""

import re
from dataclasses import dataclass, replace
from secrets import token_hex

from shared.bus import headers, topics
from shared.bus.port import LARGEST_BYTES, Delivery, Record, size_of
from shared.canonical import digest_of, sha256
from shared.errors import PermanentError, PoisonMessageError
from shared.text import capped

_MOST_DIGITS = 6
_ID_DIGITS = 12
_ROOM_BYTES = 1_024
"""Bytes that a broker adds to each record."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What an operator sees of one dead letter."""

    reason: str
    sentence: str
    advice: str
    service: str
    origin: str
    """The record's first offset, as topic/partition/offset."""
    attempts: int
    key: str
    value: bytes


def origin_of(delivery: Delivery) -> str:
    """The first offset of a record; a retried one has it in a header."""
    return delivery.record.headers.get(headers.ORIGIN, delivery.origin)


def topic_of(origin: str) -> str:
    """The topic of an origin `topic/partition/offset`."""
    return origin.rsplit("/", 2)[0]


def attempts_of(record: Record) -> int:
    """How many times handling the record has failed so far."""
    return _count(record, headers.ATTEMPT)


def faults_of(record: Record) -> int:
    """How many of those ended without an answer."""
    return _count(record, headers.FAULTS)


def turns_of(record: Record) -> int:
    """How many turns of long work on the record have ended."""
    return _count(record, headers.TURN)


def _count(record: Record, header: str) -> int:
    text = record.headers.get(header, "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0


def to_dead_letter(delivery: Delivery, error: PermanentError, service: str) -> Record:
    """Give a delivery up: its bytes as they were, its headers kept under a prefix, and the reason.

    A record that would not fit the bus loses bytes and headers and cannot be replayed; the reason is always kept.
    """
    record = delivery.record
    kept = {headers.KEPT + name: text for name, text in record.headers.items() if name not in headers.BOOKKEEPING}
    attributes = {
        headers.REASON: error.reason,
        headers.SENTENCE: capped(str(error)),
        headers.ADVICE: capped(error.advice),
        headers.ORIGIN: origin_of(delivery),
        headers.SERVICE: service,
        headers.ATTEMPT: str(attempts_of(record) + 1),
    }
    whole = Record(topics.DEAD_LETTERS, record.key, record.value, kept | attributes)
    return whole if size_of(whole) <= LARGEST_BYTES - _ROOM_BYTES else without_original(whole)


def without_original(letter: Record) -> Record:
    """A dead letter with the reason but nothing of the original record, for records too large for the bus."""
    bounded = {name: capped(text) for name, text in letter.headers.items() if not name.startswith(headers.KEPT)}
    return replace(letter, key=capped(letter.key), value=b"", headers=bounded)


def read(record: Record) -> DeadLetter:
    """Read a dead letter for people; missing values are empty."""
    attributes = record.headers
    return DeadLetter(
        reason=attributes.get(headers.REASON, ""),
        sentence=attributes.get(headers.SENTENCE, ""),
        advice=attributes.get(headers.ADVICE, ""),
        service=attributes.get(headers.SERVICE, ""),
        origin=attributes.get(headers.ORIGIN, ""),
        attempts=attempts_of(record),
        key=record.key,
        value=record.value,
    )


def letter_id(record: Record) -> str:
    """A name for a dead letter, the same each time that the same record is given up for the same reason.

    So an event that is announced or replayed again is no second letter. One that lost its bytes keeps its offset.
    """
    letter = read(record)
    origin = topic_of(letter.origin) if record.value else letter.origin
    kept = sorted((name, text) for name, text in record.headers.items() if name.startswith(headers.KEPT))
    return digest_of([record.key, sha256(record.value), letter.service, letter.reason, origin, kept])[:_ID_DIGITS]


def written_at(delivery: Delivery) -> float:
    """Unix seconds at which a dead letter was first written, also after its topic was written anew."""
    try:
        first = float(delivery.record.headers[headers.WRITTEN])
    except (KeyError, ValueError):
        return delivery.written_at
    return first if 0.0 < first <= delivery.written_at else delivery.written_at


def replay_note(letter: Record) -> Record:
    """Tells, on the topic of dead letters, that one was sent again; an erasure finds it by the same key."""
    kept = {name: letter.headers.get(name, "") for name in (headers.REASON, headers.ORIGIN)}
    return Record(topics.DEAD_LETTERS, letter.key, b"", kept | {headers.REPLAY_OF: letter_id(letter)})


def replayed_letter(record: Record) -> str:
    """The id of the dead letter that a note is about; empty where the record is a dead letter itself."""
    return record.headers.get(headers.REPLAY_OF, "")


def cases_of(record: Record) -> set[str]:
    """Which cases a dead letter may be of: its event's, or that of an object; a bucket may be called `slides`, too."""
    landed = r"(?=(?:^|/)(?:(?:slides|vectors)/([^/]+)/|clinical/([^/]+)\.json$))"
    return {record.key, *(match[1] or match[2] for match in re.finditer(landed, record.key))} - {""}


def original(record: Record) -> Record:
    """Turn a dead letter back into the original record, on its first topic, without failed attempts.

    The header `medulla-replayed` has a new value each time, so that a record given up before is tried again.

    Raises:
        PoisonMessageError: the record does not say where it came from.
    """
    topic = topic_of(record.headers.get(headers.ORIGIN, ""))
    if not topic:
        raise PoisonMessageError("a record on the dead-letter topic that does not say where it came from")
    kept = {
        name.removeprefix(headers.KEPT): text for name, text in record.headers.items() if name.startswith(headers.KEPT)
    }
    return Record(topic, record.key, record.value, {**kept, headers.REPLAYED: token_hex(8)})
