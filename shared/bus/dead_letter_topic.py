"""The dead letters on their topic: read, sent again, and removed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from shared.bus import dead_letters, topics
from shared.bus.port import Delivery, Producer, Record
from shared.errors import PermanentError

_VALUE_SHOWN = 2000

ReadTopic = Callable[[str], Iterable[Delivery]]
"""All records now on a topic."""
Forget = Callable[[str, Callable[[Delivery], bool]], object]
"""Removes the records of a topic for which a function is true."""


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
    """When the record was last given up; ISO 8601."""
    times: int
    """How often it was given up: a record that was announced or replayed again is one letter."""
    replayed: str | None
    """When it was last sent again, unless it was given up again since; ISO 8601."""

    @property
    def reason(self) -> str:
        """Its reason code."""
        return dead_letters.read(self.record).reason

    def described(self) -> dict[str, Any]:
        """Everything about it, its bytes as text."""
        letter = asdict(dead_letters.read(self.record))
        value = letter.pop("value").decode("utf-8", "backslashreplace")
        about = {"id": self.letter_id, "written": self.written, "times": self.times, "replayed": self.replayed}
        return about | letter | {"value": value[:_VALUE_SHOWN]}


@dataclass(frozen=True)
class DeadLetterReader:
    """Dead letters of one bus."""

    read: ReadTopic

    def letters_with(self, reason: str | None) -> list[Letter]:
        """All dead letters of a reason code; all without one.

        Raises:
            TransientError: the bus is down.
        """
        return [letter for letter in self._all().values() if reason in {None, letter.reason}]

    def letters_named(self, ids: Sequence[str]) -> list[Letter]:
        """The dead letters with these ids, in their order, from one pass over the topic.

        Raises:
            UnknownDeadLetterError: no dead letter has one of the ids.
        """
        letters = self._all()
        for letter_id in ids:
            if letter_id not in letters:
                raise UnknownDeadLetterError(f"there is no dead letter {letter_id!r}")
        return [letters[letter_id] for letter_id in ids]

    def _all(self) -> dict[str, Letter]:
        """Every dead letter by its id; one written again, as after an interrupted erasure, counts once."""
        given_up: dict[str, list[Delivery]] = defaultdict(list)
        sent: dict[str, float] = defaultdict(float)
        for delivery in self.read(topics.DEAD_LETTERS):
            if replayed := dead_letters.replayed_letter(delivery.record):
                sent[replayed] = max(sent[replayed], dead_letters.written_at(delivery))
            else:
                given_up[dead_letters.letter_id(delivery.record)].append(delivery)
        return {name: _letter(name, deliveries, sent[name]) for name, deliveries in given_up.items()}


def _letter(name: str, deliveries: Sequence[Delivery], sent: float) -> Letter:
    """The letter of the records with one id; `sent` is when it was last sent again, 0 for never."""
    latest = max(deliveries, key=dead_letters.written_at)
    times = len({dead_letters.read(delivery.record).origin for delivery in deliveries})
    written = dead_letters.written_at(latest)
    return Letter(name, latest.record, _time(written), times, _time(sent) if sent and sent >= written else None)


@dataclass(frozen=True)
class DeadLetterTopic(DeadLetterReader):
    """Dead letters of one bus, which may be sent again and removed."""

    producer: Producer

    def send_again(self, letters: Iterable[Letter]) -> None:
        """Send dead letters to the topics that they came from, and note it beside them."""
        records = [letter.record for letter in letters]
        self.producer.send([*map(dead_letters.original, records), *map(dead_letters.replay_note, records)])

    def drop(self, letters: Iterable[Letter], forget: Forget) -> None:
        """Remove dead letters, and the notes of their replays, for good; the others are written anew."""
        ids = {letter.letter_id for letter in letters}

        def is_dropped(delivery: Delivery) -> bool:
            return (dead_letters.replayed_letter(delivery.record) or dead_letters.letter_id(delivery.record)) in ids

        forget(topics.DEAD_LETTERS, is_dropped)


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
