"""Two installations with prefixes of their own on one real Kafka do not see each other's events."""

import uuid

import pytest

from shared.bus import headers, topics
from shared.bus.dead_letters import letter_id, to_dead_letter
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_admin import ensure_topics, read_topic
from shared.bus.kafka_backlog import retries, unfinished
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.kafka_reading import topic_names
from shared.bus.port import Delivery, Record
from shared.bus.retry import RetryPolicy
from shared.errors import PoisonMessageError
from shared.home import Home
from shared.settings import KafkaSettings
from tests.support.bus import Recorder, consume, running
from tests.support.parts import KafkaPart

_TILED, _RETRIES = topics.SLIDES_TILED, topics.retry_topic("tiler")


@pytest.fixture
def hospitals(kafka: KafkaPart) -> list[KafkaSettings]:
    """Settings of two installations whose topics exist."""
    names = [f"{name}-{uuid.uuid4().hex[:8]}" for name in ("north", "south")]
    settings = [KafkaSettings(bootstrap_servers=kafka.bootstrap, prefix=name) for name in names]
    for each in settings:
        ensure_topics(each, (_TILED, _RETRIES, topics.DEAD_LETTERS))
    return settings


def test_an_event_of_one_hospital_is_read_by_it_alone(hospitals: list[KafkaSettings]) -> None:
    north, south = hospitals
    assert [topic_names(each) for each in hospitals] == [sorted((_TILED, _RETRIES, topics.DEAD_LETTERS))] * 2
    _send(north, Record(_TILED, "case-1", b"of the north"), Record(_TILED, "case-1", b"again"))
    _send(south, Record(_TILED, "case-2", b"of the south"))
    assert [unfinished(each, "tiler", [_TILED]) for each in hospitals] == [2, 1]
    handled = [_consumed(each, records) for each, records in ((north, 2), (south, 1))]
    assert [[each.record.value for each in deliveries] for deliveries in handled] == [
        [b"of the north", b"again"],
        [b"of the south"],
    ]
    assert [unfinished(each, "tiler", [_TILED]) for each in hospitals] == [0, 0]


def _send(settings: KafkaSettings, *records: Record) -> None:
    producer = KafkaProducerAdapter(settings)
    producer.send(records)
    producer.close()


def _consumed(settings: KafkaSettings, records: int) -> list[Delivery]:
    """What the tiler of an installation reads; its group has the same name in each."""
    recorder = Recorder()
    with running(consume(KafkaConsumerAdapter(settings, "tiler", [_TILED]), recorder)):
        recorder.wait_for(records)
    return recorder.deliveries


def test_a_dead_letter_and_a_retry_have_the_same_names_in_every_hospital(hospitals: list[KafkaSettings]) -> None:
    letters = []
    for settings in hospitals:
        _send(settings, Record(_TILED, "case-1", b"bad", {headers.CE_SUBJECT: "case-1/slide"}))
        (delivery,) = read_topic(settings, _TILED)
        assert delivery.record.topic == _TILED
        again = RetryPolicy().again(delivery, "tiler", now=0.0)
        assert again is not None
        _send(settings, again, to_dead_letter(delivery, PoisonMessageError("unreadable"), "tiler"))
        (letter,) = read_topic(settings, topics.DEAD_LETTERS)
        letters.append(letter_id(letter.record))
    assert letters[0] == letters[1]
    for settings in hospitals:
        assert [each.service for each in retries(settings, Home("bucket"))] == ["tiler"]
