"""Two erasures that write the topic of dead letters anew at once bring no letter back; the broker is simulated."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from unittest.mock import Mock

import pytest

from shared.bus import kafka_admin, topics
from shared.bus.port import Delivery, Record
from shared.settings import KafkaSettings

SETTINGS = KafkaSettings(bootstrap_servers="nowhere:1")


@dataclass
class Topic:
    """One partition, and what another process does once this one has read or written it."""

    letters: list[Delivery] = field(default_factory=list)
    after_read: Callable[[], None] = lambda: None
    after_send: Callable[[], None] = lambda: None
    offset: int = 0

    def send(self, records: Sequence[Record]) -> None:
        for record in records:
            self.letters.append(Delivery(record, 0, self.offset, 0.0))
            self.offset += 1
        self.after_send()

    def read(self, *_: object) -> Iterator[Delivery]:
        assert kafka_admin._FORGETTING.locked(), "two threads at once would each append all that they retain"
        read = list(self.letters)
        self.after_read()
        yield from read

    def delete(self, ends: dict[object, int], **_: object) -> None:
        (end,) = ends.values()
        self.letters = [letter for letter in self.letters if letter.offset >= end]

    @property
    def keys(self) -> list[str]:
        return [letter.record.key for letter in self.letters]


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Topic:
    topic = Topic()
    topic.send([Record(topics.DEAD_LETTERS, key, b"") for key in ("a", "b", "c")])
    monkeypatch.setattr(kafka_admin, "read_topic", topic.read)
    monkeypatch.setattr(kafka_admin, "KafkaAdminClient", lambda **_: Mock(delete_records=topic.delete))
    return topic


@pytest.mark.parametrize("moment", ["after_read", "after_send"])
def test_a_letter_that_another_process_removed_meanwhile_does_not_come_back(topic: Topic, moment: str) -> None:
    erased = {"b"}

    def erase_a_elsewhere() -> None:
        if "a" not in erased:
            erased.add("a")
            topic.letters = [letter for letter in topic.letters if letter.offset > 2 or letter.record.key != "a"]

    setattr(topic, moment, erase_a_elsewhere)
    assert kafka_admin.forget(SETTINGS, topic, topics.DEAD_LETTERS, lambda: _keys_in(frozenset(erased)))
    assert topic.keys == ["c"]


def test_what_is_not_obsolete_stays_where_it_is(topic: Topic) -> None:
    before = list(topic.letters)
    assert kafka_admin.forget(SETTINGS, topic, topics.DEAD_LETTERS, lambda: _keys_in(frozenset({"d"}))) == 0
    assert topic.letters == before


def _keys_in(names: frozenset[str]) -> Callable[[Delivery], bool]:
    return lambda letter: letter.record.key in names
