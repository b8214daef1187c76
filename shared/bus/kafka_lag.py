"""How far a consumer is behind, partition by partition, and how many there are, as metrics."""

import time
from contextlib import suppress
from typing import Any

from kafka.errors import KafkaError

from shared import metrics
from shared.bus.kafka_client import known_partitions
from shared.bus.kafka_names import from_broker
from shared.bus.partition_queues import Partition, PartitionQueues
from shared.settings import KafkaSettings

_EVERY_S = 15.0
_DEADLINE_MS = 2_000


class LagGauge:
    """Keeps `medulla_consumer_lag_records` of the partitions that the consumer holds, and counts all of its topics.

    Not thread-safe.
    """

    def __init__(self, consumer: Any, queues: PartitionQueues, group: str, settings: KafkaSettings) -> None:
        self._consumer, self._queues, self._group, self._settings = consumer, queues, group, settings
        self._shown: set[Partition] = set()
        self._due = time.monotonic()

    def refresh(self) -> None:
        """Measure, at most every 15 s; without an answer the gauge keeps its values."""
        if time.monotonic() < self._due:
            return
        self._count_partitions()
        if self._consumer.assignment():
            self._due = time.monotonic() + _EVERY_S
            with suppress(KafkaError):
                self._show(self._measured())

    def _count_partitions(self) -> None:
        """Show how many partitions the topics have, whoever holds them."""
        for topic in self._consumer.subscription():
            if partitions := known_partitions(self._consumer, topic):
                name = from_broker(self._settings, topic)
                metrics.TOPIC_PARTITIONS.labels(self._group, name).set(len(partitions))

    def _measured(self) -> dict[Partition, int]:
        """Records between the end of each partition and the first one that is not finished."""
        assigned = self._consumer.assignment()
        partitions = [each for each in assigned if each.partition in known_partitions(self._consumer, each.topic)]
        ends = self._consumer.end_offsets(partitions, timeout_ms=_DEADLINE_MS)
        unfinished = self._queues.next_offsets()
        lags = {}
        for partition in partitions:
            key = Partition(*partition)
            if key not in unfinished:
                unfinished[key] = self._consumer.position(partition, timeout_ms=_DEADLINE_MS) or 0
            lags[key] = max(0, ends[partition] - unfinished[key])
        return lags

    def _show(self, lags: dict[Partition, int]) -> None:
        for stale in self._shown - set(lags):
            metrics.CONSUMER_LAG.remove(*self._labels(stale))
        for key, lag in lags.items():
            metrics.CONSUMER_LAG.labels(*self._labels(key)).set(lag)
        self._shown = set(lags)

    def _labels(self, partition: Partition) -> tuple[str, str, str]:
        return self._group, from_broker(self._settings, partition.topic), str(partition.number)
