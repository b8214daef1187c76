"""Reads partitions up to an end, outside of any consumer group."""

import time
from collections.abc import Iterator
from typing import Any

from kafka import TopicPartition

from shared.bus.kafka_client import KafkaDownError, to_delivery
from shared.bus.port import Delivery
from shared.settings import KafkaSettings

_DEADLINE_MS = 15_000


def up_to(consumer: Any, ends: dict[TopicPartition, int], settings: KafkaSettings) -> Iterator[Delivery]:
    """Records of a consumer's partitions from its positions to `ends`.

    Raises:
        KafkaDownError: nothing came for 15 s.
    """
    deadline = time.monotonic() + _DEADLINE_MS / 1000
    while any(consumer.position(partition, timeout_ms=_DEADLINE_MS) < end for partition, end in ends.items()):
        read = consumer.poll(timeout_ms=500)
        for partition, records in read.items():
            yield from (to_delivery(record) for record in records if record.offset < ends[partition])
        if read:
            deadline = time.monotonic() + _DEADLINE_MS / 1000
        elif time.monotonic() > deadline:
            raise KafkaDownError(f"Kafka at {settings.bootstrap_servers} stopped answering")
