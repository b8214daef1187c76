"""Creates topics, and reads or shortens a whole topic."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from threading import Lock
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient

from shared.bus import headers, topics
from shared.bus.kafka_client import KafkaDownError, connection, explained
from shared.bus.kafka_names import on_broker
from shared.bus.kafka_reading import DEADLINE_MS, partitions_of, reader, up_to
from shared.bus.port import LARGEST_BYTES, Delivery, Producer, Record
from shared.settings import KafkaSettings

_FORGETTING = Lock()
"""Held while a topic is written anew: two at once would each append all that they retain."""
_ROOMY = {"max.message.bytes": str(LARGEST_BYTES)}


def ensure_topics(
    settings: KafkaSettings, names: Sequence[str], partitions: int = 3, replication_factor: int = 1
) -> list[str]:
    """Create those of `names` that do not exist and return them. Dead letters are kept until they are dropped.

    Raises:
        KafkaDownError: Kafka does not answer in time.
        KafkaRefusedError: no right to create topics.
    """
    with explained(settings), closing(KafkaAdminClient(**connection(settings))) as admin:
        existing = set(admin.list_topics())
        missing = sorted(name for name in set(names) if on_broker(settings, name) not in existing)
        options = {on_broker(settings, name): _options(name, partitions, replication_factor) for name in missing}
        if options:
            admin.create_topics(options, timeout_ms=DEADLINE_MS, wait_for_metadata=True)
        return missing


def _options(name: str, partitions: int, replication_factor: int) -> dict[str, Any]:
    return {
        "num_partitions": partitions,
        "replication_factor": replication_factor,
        "configs": _configs(name),
    }


def _configs(name: str) -> dict[str, str]:
    """The largest record of another topic still fits with the reason in its headers."""
    if name == topics.DEAD_LETTERS:
        return {"retention.ms": "-1", **_ROOMY}
    return _ROOMY if topics.is_retry(name) else {}


def read_topic(settings: KafkaSettings, topic: str) -> Iterator[Delivery]:
    """All records now on a topic, by partition as they arrive; commits nothing.

    Raises:
        KafkaDownError: Kafka does not answer in time, or there is no such topic.
        KafkaRefusedError: no right to read it.
    """
    with explained(settings), closing(reader(settings)) as consumer:
        partitions = partitions_of(consumer, topic, settings)
        if not partitions:
            raise KafkaDownError(f"Kafka at {settings.bootstrap_servers} has no topic {on_broker(settings, topic)}")
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        yield from up_to(consumer, consumer.end_offsets(partitions, timeout_ms=DEADLINE_MS), settings)


IsObsolete = Callable[[Delivery], bool]


def forget(settings: KafkaSettings, producer: Producer, topic: str, obsolete: Callable[[], IsObsolete]) -> int:
    """Remove records from the middle of a topic and return how many: the others are appended again.

    Kafka deletes only from the front. After a crash between the two steps the other records are there twice, and after
    two processes did this at once. `obsolete` is asked anew after each reading, until it is true of no record: what
    another process removed meanwhile goes again, if it was appended here.

    Raises:
        KafkaDownError, KafkaRefusedError: as `read_topic`, or no right to delete.
    """
    removed = 0
    with _FORGETTING:
        while count := _forget_once(settings, producer, topic, obsolete):
            removed += count
    return removed


def _forget_once(settings: KafkaSettings, producer: Producer, topic: str, obsolete: Callable[[], IsObsolete]) -> int:
    deliveries = list(read_topic(settings, topic))
    is_obsolete = obsolete()
    retained = [_with_time(delivery) for delivery in deliveries if not is_obsolete(delivery)]
    if len(retained) == len(deliveries):
        return 0
    producer.send(retained)
    ends: dict[TopicPartition, int] = {}
    for delivery in deliveries:
        ends[TopicPartition(on_broker(settings, topic), delivery.partition)] = delivery.offset + 1
    with explained(settings), closing(KafkaAdminClient(**connection(settings))) as admin:
        admin.delete_records(ends, timeout_ms=DEADLINE_MS)
    return len(deliveries) - len(retained)


def _with_time(delivery: Delivery) -> Record:
    """The record with the time at which it was first written."""
    written = {headers.WRITTEN: f"{delivery.written_at:.3f}"}
    return replace(delivery.record, headers={**written, **delivery.record.headers})
