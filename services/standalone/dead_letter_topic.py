"""The dead letters of the running system: read from their topic, sent again, and removed."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from shared.bus import dead_letters, topics
from shared.bus.kafka_admin import forget, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery, Record
from shared.errors import PermanentError
from shared.settings import KafkaSettings, PlatformSettings, load

_VALUE_SHOWN = 2000


class UnknownDeadLetterError(PermanentError):
    """No dead letter has that id."""

    reason = "unknown_dead_letter"
    advice = "List them with `medulla dead-letters list`; its first column is what show, replay and drop take."


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter."""

    letter_id: str
    record: Record
    written: str
    """When the record was given up; ISO 8601."""
    replayed: str | None
    """When it was last sent again; ISO 8601."""

    @property
    def reason(self) -> str:
        """Its reason code."""
        return dead_letters.read(self.record).reason

    def described(self) -> dict[str, Any]:
        """Everything about it, its bytes as text."""
        letter = asdict(dead_letters.read(self.record))
        value = letter.pop("value").decode("utf-8", "backslashreplace")
        about = {"id": self.letter_id, "written": self.written, "replayed": self.replayed}
        return about | letter | {"value": value[:_VALUE_SHOWN]}


def letters_with(reason: str | None) -> list[Letter]:
    """All dead letters of a reason code; all without one.

    Raises:
        TransientError: the bus is down.
    """
    return [letter for letter in _all().values() if reason in {None, letter.reason}]


def letters_named(ids: Sequence[str]) -> list[Letter]:
    """The dead letters with these ids, in their order, from one pass over the topic.

    Raises:
        UnknownDeadLetterError: no dead letter has one of the ids.
    """
    letters = _all()
    for letter_id in ids:
        if letter_id not in letters:
            raise UnknownDeadLetterError(f"there is no dead letter {letter_id!r}")
    return [letters[letter_id] for letter_id in ids]


def send_again(letters: Iterable[Letter]) -> None:
    """Send dead letters to the topics that they came from, and note it beside them."""
    records = [letter.record for letter in letters]
    with closing(KafkaProducerAdapter(_kafka())) as producer:
        producer.send([*map(dead_letters.original, records), *map(dead_letters.replay_note, records)])


def drop(letters: Iterable[Letter]) -> None:
    """Remove dead letters, and the notes of their replays, for good; the others are written anew."""
    ids = {letter.letter_id for letter in letters}

    def is_dropped(delivery: Delivery) -> bool:
        return (dead_letters.replayed_letter(delivery.record) or dead_letters.letter_id(delivery.record)) in ids

    with closing(KafkaProducerAdapter(_kafka())) as producer:
        forget(_kafka(), producer, topics.DEAD_LETTERS, is_dropped)


def _all() -> dict[str, Letter]:
    """Every dead letter by its id; one that is there twice, as after an interrupted erasure, counts once."""
    written: dict[str, tuple[Record, str]] = {}
    replayed: dict[str, str] = {}
    for delivery in read_topic(_kafka(), topics.DEAD_LETTERS):
        if replayed_id := dead_letters.replayed_letter(delivery.record):
            replayed[replayed_id] = max(_time(delivery), replayed.get(replayed_id, ""))
        else:
            written[dead_letters.letter_id(delivery.record)] = delivery.record, _time(delivery)
    return {name: Letter(name, record, time, replayed.get(name)) for name, (record, time) in written.items()}


def _time(delivery: Delivery) -> str:
    return datetime.fromtimestamp(dead_letters.written_at(delivery), UTC).isoformat(timespec="seconds")


def _kafka() -> KafkaSettings:
    return load(PlatformSettings).kafka
