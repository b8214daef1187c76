"""Commits a start offset on partitions whose records and commits have both expired, so that lag is right."""

from typing import Any

from kafka import OffsetAndMetadata, TopicPartition
from kafka.errors import AuthorizationError, FencedInstanceIdError, KafkaError

from shared import logs
from shared.bus.kafka_client import known_partitions

_DEADLINE_MS = 2_000
_log = logs.get(__name__)


class Starts:
    """Commits the first remaining offset of such partitions; not thread-safe.

    A scaler that finds no commit counts every record that a partition ever had as lag, expired ones included, and
    would keep idle members of the group running.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self._known: set[TopicPartition] = set()

    def commit(self) -> None:
        """Check newly assigned partitions; after the first one without an answer the rest wait for the next call.

        Those of a topic that is deleted or not shown to us are left out: each call would wait for an answer in vain.

        Raises:
            AuthorizationError: we may not read or commit.
            FencedInstanceIdError: another member has this instance id.
        """
        assigned = set(self._consumer.assignment())
        self._known &= assigned
        for partition in assigned - self._known:
            if partition.partition not in known_partitions(self._consumer, partition.topic):
                continue
            try:
                self._look(partition)
                self._known.add(partition)
            except (AuthorizationError, FencedInstanceIdError):
                raise
            except KafkaError as error:
                _log.warning("the first offset is not committed yet", error=str(error), topic=partition.topic)
                return

    def _look(self, partition: TopicPartition) -> None:
        if self._consumer.committed(partition, timeout_ms=_DEADLINE_MS) is not None:
            return
        first = self._consumer.beginning_offsets([partition], timeout_ms=_DEADLINE_MS)[partition]
        if first > 0:
            self._consumer.commit({partition: OffsetAndMetadata(first, "", -1)}, timeout_ms=_DEADLINE_MS)
