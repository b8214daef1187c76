"""The dead letters of the running system: read from their topic, sent again, and removed."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from shared.bus import dead_letters, topics
from shared.bus.kafka_admin import forget, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery
from shared.errors import PermanentError
from shared.settings import KafkaSettings, PlatformSettings, load

_VALUE_SHOWN = 2000


class UnknownDeadLetterError(PermanentError):
    """There is no dead letter at that offset."""

    reason = "unknown_dead_letter"
    advice = "List them with `medulla dead-letters list`; its first column is what show, replay and drop take."


def letters_with(reason: str | None) -> list[Delivery]:
    """All dead letters of a reason code; all without one.

    Raises:
        TransientError: the bus is down.
    """
    return [delivery for delivery in _all() if reason in {None, dead_letters.read(delivery.record).reason}]


def letters_at(places: Sequence[str]) -> list[Delivery]:
    """The dead letters at `places`, in their order, from one pass over the topic."""
    letters = {place_of(delivery): delivery for delivery in _all()}
    for place in places:
        if place not in letters:
            raise UnknownDeadLetterError(f"there is no dead letter at {place!r}")
    return [letters[place] for place in places]


def chosen(places: Sequence[str] | None, reason: str | None) -> list[Delivery]:
    """The dead letters at `places`, or all of a reason code."""
    return letters_with(reason) if reason else letters_at(places or [])


def send_again(letters: Sequence[Delivery]) -> None:
    """Send dead letters to the topics that they came from."""
    with closing(KafkaProducerAdapter(_kafka())) as producer:
        producer.send([dead_letters.original(letter.record) for letter in letters])


def drop(letters: Sequence[Delivery]) -> list[str]:
    """Remove dead letters for good; returns the places that they had."""
    places = {place_of(letter) for letter in letters}
    with closing(KafkaProducerAdapter(_kafka())) as producer:
        forget(_kafka(), producer, topics.DEAD_LETTERS, lambda delivery: place_of(delivery) in places)
    return sorted(places)


def place_of(delivery: Delivery) -> str:
    """Partition and offset, such as 0/12."""
    return f"{delivery.partition}/{delivery.offset}"


def described(delivery: Delivery) -> dict[str, Any]:
    """Everything about one dead letter, its bytes as text."""
    letter = asdict(dead_letters.read(delivery.record))
    value = letter.pop("value").decode("utf-8", "backslashreplace")
    written = datetime.fromtimestamp(delivery.written_at, UTC).isoformat(timespec="seconds")
    return {"place": place_of(delivery), "written": written} | letter | {"value": value[:_VALUE_SHOWN]}


def _all() -> Iterator[Delivery]:
    return read_topic(_kafka(), topics.DEAD_LETTERS)


def _kafka() -> KafkaSettings:
    return load(PlatformSettings).kafka
