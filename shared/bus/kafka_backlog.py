"""What a consumer group has not finished, on every partition of its topics and whoever reads them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

from kafka import TopicPartition

from shared.bus import topics
from shared.bus.kafka_client import explained
from shared.bus.kafka_reading import DEADLINE_MS, partitions_of, reader, topic_names, up_to
from shared.bus.retried import Retry, retry_of
from shared.home import Home
from shared.settings import KafkaSettings


def unfinished(settings: KafkaSettings, group: str, names: Sequence[str]) -> int:
    """Records of topics that the group has not committed; it joins nothing, and a group without commits begins first.

    Raises:
        KafkaDownError: Kafka does not answer in time.
        KafkaRefusedError: no right to read the topics or the group.
    """
    with explained(settings), closing(reader(settings, group)) as consumer:
        starts, ends = _bounds(consumer, names, settings)
        return sum(ends[partition] - start for partition, start in starts.items())


def unfinished_since(settings: KafkaSettings, group: str, topic: str, since: datetime) -> tuple[int, int]:
    """Records of a topic that the group has not committed, and how many were written since an aware time.

    Raises:
        KafkaDownError, KafkaRefusedError: as `unfinished`.
    """
    with explained(settings), closing(reader(settings, group)) as consumer:
        starts, ends = _bounds(consumer, [topic], settings)
        times = dict.fromkeys(ends, int(since.timestamp() * 1000))
        later = consumer.offsets_for_times(times, timeout_ms=DEADLINE_MS) if times else {}
        written = sum(ends[partition] - first.offset for partition, first in later.items() if first)
        return sum(ends[partition] - start for partition, start in starts.items()), written


def oldest_record(settings: KafkaSettings, topic: str) -> float | None:
    """When the oldest record of a topic was put there, by which Kafka deletes it, in Unix seconds; None without any.

    Raises:
        KafkaDownError, KafkaRefusedError: as `unfinished`.
    """
    with explained(settings), closing(reader(settings)) as consumer:
        times = dict.fromkeys(partitions_of(consumer, topic, settings), 0)
        firsts = consumer.offsets_for_times(times, timeout_ms=DEADLINE_MS) if times else {}
        written = [first.timestamp / 1000 for first in firsts.values() if first]
        return min(written, default=None)


def retries(settings: KafkaSettings, home: Home) -> Iterator[Retry]:
    """What every service tries again, from its retry topic; a record behind an older one may be done already.

    Raises:
        KafkaDownError, KafkaRefusedError: as `unfinished`.
    """
    for name in filter(topics.is_retry, topic_names(settings)):
        yield from _retries_of(settings, topics.group_of(name), name, home)


def _retries_of(settings: KafkaSettings, group: str, name: str, home: Home) -> Iterator[Retry]:
    with explained(settings), closing(reader(settings, group)) as consumer:
        starts, ends = _bounds(consumer, [name], settings)
        consumer.assign(list(starts))
        for partition, start in starts.items():
            consumer.seek(partition, start)
        for delivery in up_to(consumer, ends, settings):
            if retry := retry_of(group, delivery.record, home):
                yield retry


def _bounds(
    consumer: Any, names: Sequence[str], settings: KafkaSettings
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """The first record of each partition that the group has not committed, and the end."""
    partitions = [partition for name in names for partition in partitions_of(consumer, name, settings)]
    begins = consumer.beginning_offsets(partitions, timeout_ms=DEADLINE_MS)
    ends = consumer.end_offsets(partitions, timeout_ms=DEADLINE_MS)
    return {each: max(begins[each], consumer.committed(each) or 0) for each in partitions}, ends
