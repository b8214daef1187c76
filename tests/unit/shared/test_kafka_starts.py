"""Where a group begins is looked for once a partition, and a broker that is silent is asked once a turn."""

from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError, TopicAuthorizationFailedError

from shared.bus.kafka_starts import Starts


class Consumer:
    """Kafka's, as far as it is asked; the contract tests ask the real one."""

    def __init__(self, *failures: Exception) -> None:
        self.failures, self.requests = list(failures), 0
        self._cluster, self.numbers = self, set(range(12))

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return self.numbers

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition("t", number) for number in range(12)}

    def committed(self, _partition: TopicPartition, **_options: Any) -> int:
        self.requests += 1
        if self.failures:
            raise self.failures.pop()
        return 7


def test_a_silent_broker_is_asked_once_a_turn_and_again_the_next() -> None:
    consumer = Consumer(KafkaTimeoutError())
    starts = Starts(consumer)
    starts.commit()
    assert consumer.requests == 1
    starts.commit()
    assert consumer.requests == 13
    starts.commit()
    assert consumer.requests == 13


def test_a_topic_that_is_gone_is_not_looked_for() -> None:
    consumer = Consumer(KafkaTimeoutError())
    consumer.numbers = set()
    Starts(consumer).commit()
    assert consumer.requests == 0


def test_what_we_may_not_read_is_said() -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        Starts(Consumer(TopicAuthorizationFailedError())).commit()
