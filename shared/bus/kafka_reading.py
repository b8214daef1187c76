"""Names topics and reads their partitions up to an end, without joining a consumer group."""

import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from shared.bus.kafka_client import KafkaDownError, connection, explained, to_delivery
from shared.bus.kafka_names import from_broker, of_installation, on_broker
from shared.bus.port import Delivery
from shared.settings import KafkaSettings

DEADLINE_MS = 15_000


def topic_names(settings: KafkaSettings) -> list[str]:
    """The topics of this installation that exist, as far as we may see them.

    Raises:
        KafkaDownError, KafkaRefusedError: Kafka does not answer, or refuses.
    """
    with explained(settings), closing(KafkaAdminClient(**connection(settings))) as admin:
        listed: list[str] = sorted(admin.list_topics())
    return [from_broker(settings, name) for name in listed if of_installation(settings, name)]


def reader(settings: KafkaSettings, group: str | None = None) -> Any:
    """A consumer that commits nothing and creates no topic; it can look up the offsets that `group` committed."""
    return KafkaConsumer(
        **connection(settings),
        group_id=None if group is None else on_broker(settings, group),
        enable_auto_commit=False,
        allow_auto_create_topics=False,
    )


def partitions_of(consumer: Any, topic: str, settings: KafkaSettings) -> list[TopicPartition]:
    """The partitions of a topic; none where it does not exist."""
    name = on_broker(settings, topic)
    return [TopicPartition(name, number) for number in consumer.partitions_for_topic(name)]


def up_to(consumer: Any, ends: dict[TopicPartition, int], settings: KafkaSettings) -> Iterator[Delivery]:
    """Records of a consumer's partitions from its positions to `ends`.

    Raises:
        KafkaDownError: nothing came for 15 s.
    """
    deadline = time.monotonic() + DEADLINE_MS / 1000
    while any(consumer.position(partition, timeout_ms=DEADLINE_MS) < end for partition, end in ends.items()):
        read = consumer.poll(timeout_ms=500)
        for partition, records in read.items():
            yield from (to_delivery(record, settings) for record in records if record.offset < ends[partition])
        if read:
            deadline = time.monotonic() + DEADLINE_MS / 1000
        elif time.monotonic() > deadline:
            raise KafkaDownError(f"Kafka at {settings.bootstrap_servers} stopped answering")
