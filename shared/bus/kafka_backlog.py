"""What a consumer group has not finished, on every partition of its topics and whoever reads them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient

from shared.bus import topics
from shared.bus.kafka_client import connection, explained
from shared.bus.kafka_reading import up_to
from shared.bus.retried import Retry, retry_of
from shared.settings import KafkaSettings

_DEADLINE_MS = 15_000


def unfinished(settings: KafkaSettings, group: str, names: Sequence[str]) -> int:
    """Records of topics that the group has not committed; it joins nothing, and a group without commits begins first.

    Raises:
        KafkaDownError: Kafka does not answer in time.
        KafkaRefusedError: no right to read the topics or the group.
    """
    with explained(settings), closing(_reader(settings, group)) as reader:
        starts, ends = _bounds(reader, names)
        return sum(ends[partition] - start for partition, start in starts.items())


def retries(settings: KafkaSettings) -> Iterator[Retry]:
    """What every service tries again, from its retry topic; a record behind an older one may be done already.

    Raises:
        KafkaDownError, KafkaRefusedError: as `unfinished`.
    """
    with explained(settings), closing(KafkaAdminClient(**connection(settings))) as admin:
        names = sorted(filter(topics.is_retry, admin.list_topics()))
    for name in names:
        yield from _retries_of(settings, topics.group_of(name), name)


def _retries_of(settings: KafkaSettings, group: str, name: str) -> Iterator[Retry]:
    with explained(settings), closing(_reader(settings, group)) as reader:
        starts, ends = _bounds(reader, [name])
        reader.assign(list(starts))
        for partition, start in starts.items():
            reader.seek(partition, start)
        for delivery in up_to(reader, ends, settings):
            if retry := retry_of(group, delivery.record):
                yield retry


def _bounds(reader: Any, names: Sequence[str]) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """The first record of each partition that the group has not committed, and the end."""
    partitions = [TopicPartition(name, number) for name in names for number in reader.partitions_for_topic(name)]
    begins = reader.beginning_offsets(partitions, timeout_ms=_DEADLINE_MS)
    ends = reader.end_offsets(partitions, timeout_ms=_DEADLINE_MS)
    return {each: max(begins[each], reader.committed(each) or 0) for each in partitions}, ends


def _reader(settings: KafkaSettings, group: str) -> Any:
    options = connection(settings) | {"client_id": "medulla-backlog"}
    return KafkaConsumer(**options, group_id=group, enable_auto_commit=False, allow_auto_create_topics=False)
