"""Counts what a consumer group has not finished, on every partition of its topics and whoever reads them."""

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from shared.bus.kafka_client import connection, explained
from shared.settings import KafkaSettings

_DEADLINE_MS = 15_000


def unfinished(settings: KafkaSettings, group: str, names: Sequence[str]) -> int:
    """Records of topics that the group has not committed; it joins nothing, and a group without commits begins first.

    Raises:
        KafkaDownError: Kafka does not answer in time.
        KafkaRefusedError: no right to read the topics or the group.
    """
    with explained(settings), closing(_reader(settings, group)) as reader:
        partitions = [TopicPartition(name, number) for name in names for number in reader.partitions_for_topic(name)]
        begins = reader.beginning_offsets(partitions, timeout_ms=_DEADLINE_MS)
        ends = reader.end_offsets(partitions, timeout_ms=_DEADLINE_MS)
        return sum(ends[each] - max(begins[each], reader.committed(each) or 0) for each in partitions)


def _reader(settings: KafkaSettings, group: str) -> Any:
    options = connection(settings) | {"client_id": "medulla-backlog"}
    return KafkaConsumer(**options, group_id=group, enable_auto_commit=False, allow_auto_create_topics=False)
