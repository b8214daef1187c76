"""Waits for the event of one object on the topic of object events, without joining a consumer group."""

import time
from collections.abc import Callable
from contextlib import closing

from shared.bus import topics
from shared.bus.kafka_client import explained, to_delivery
from shared.bus.kafka_reading import DEADLINE_MS, partitions_of, reader
from shared.bus.s3_events import parse
from shared.errors import PoisonMessageError
from shared.settings import KafkaSettings


def arrives(settings: KafkaSettings, key: str, act: Callable[[], object], timeout_s: float) -> bool:
    """Whether an event of the object arrives within `timeout_s` after `act`.

    Raises:
        KafkaDownError, KafkaRefusedError: Kafka does not answer, or refuses.
    """
    with explained(settings), closing(reader(settings)) as consumer:
        partitions = partitions_of(consumer, topics.S3_EVENTS, settings)
        consumer.assign(partitions)
        for partition, end in consumer.end_offsets(partitions, timeout_ms=DEADLINE_MS).items():
            consumer.seek(partition, end)
        act()
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            read = consumer.poll(timeout_ms=500)
            values = (to_delivery(record, settings).record.value for records in read.values() for record in records)
            if any(_names(value, key) for value in values):
                return True
    return False


def _names(value: bytes, key: str) -> bool:
    try:
        return any(hint.key == key for hint in parse(value))
    except PoisonMessageError:
        return False
