"""Waits for the event of one object on the topic of object events, outside of any consumer group."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from shared.bus import topics
from shared.bus.kafka_client import connection, explained, to_delivery
from shared.bus.s3_events import parse
from shared.errors import PoisonMessageError
from shared.settings import KafkaSettings

_DEADLINE_MS = 15_000


def arrives(settings: KafkaSettings, key: str, act: Callable[[], object], timeout_s: float) -> bool:
    """Whether an event of the object arrives within `timeout_s` after `act`.

    Raises:
        KafkaDownError, KafkaRefusedError: Kafka does not answer, or refuses.
    """
    with explained(settings), closing(_reader(settings)) as reader:
        numbers = reader.partitions_for_topic(topics.S3_EVENTS)
        partitions = [TopicPartition(topics.S3_EVENTS, number) for number in numbers]
        reader.assign(partitions)
        for partition, end in reader.end_offsets(partitions, timeout_ms=_DEADLINE_MS).items():
            reader.seek(partition, end)
        act()
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            read = reader.poll(timeout_ms=500)
            if any(_names(to_delivery(record).record.value, key) for records in read.values() for record in records):
                return True
    return False


def _names(value: bytes, key: str) -> bool:
    try:
        return any(hint.key == key for hint in parse(value))
    except PoisonMessageError:
        return False


def _reader(settings: KafkaSettings) -> Any:
    return KafkaConsumer(**connection(settings), enable_auto_commit=False, allow_auto_create_topics=False)
