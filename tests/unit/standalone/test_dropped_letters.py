"""Dropping dead letters beside an erasure brings none of the erased case back; the broker is simulated."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest

from services.standalone import dead_letter_topic
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.dead_letter_topic import Letter
from shared.bus.dead_letters import letter_id
from shared.bus.kafka_admin import IsObsolete
from shared.bus.port import Delivery, Record
from shared.erased import ErasedCases
from shared.units import CaseId

DROPPED, ERASED, OTHER = (
    Delivery(Record(topics.DEAD_LETTERS, key, b""), 0, offset, 0.0) for offset, key in enumerate("abc")
)


@pytest.fixture
def rewrites(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], IsObsolete]]:
    """How the topic was to be written anew."""
    rewrites: list[Callable[[], IsObsolete]] = []
    monkeypatch.setattr(dead_letter_topic, "KafkaProducerAdapter", Mock())
    monkeypatch.setattr(dead_letter_topic, "forget", lambda *arguments: rewrites.append(arguments[-1]))
    return rewrites


def test_letters_of_a_case_that_is_erased_meanwhile_are_not_written_anew(
    rewrites: list[Callable[[], IsObsolete]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = MemoryStore()
    monkeypatch.setattr(dead_letter_topic, "S3Store", lambda _: store)
    dead_letter_topic.drop([Letter(letter_id(DROPPED.record), DROPPED.record, "", 1, None)])
    (obsolete,) = rewrites
    assert [letter.record.key for letter in (DROPPED, ERASED, OTHER) if obsolete()(letter)] == ["a"]
    ErasedCases(store).add(CaseId("b"))
    assert [letter.record.key for letter in (DROPPED, ERASED, OTHER) if obsolete()(letter)] == ["a", "b"]
