"""Lag is measured on the thread that polls, so a topic that is gone costs it no request."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError
from prometheus_client import Gauge

from shared import metrics
from shared.bus.kafka_lag import LagGauge
from shared.bus.partition_queues import PartitionQueues
from shared.settings import KafkaSettings


class Memory:
    """Metadata that the consumer keeps: each topic that exists has one partition."""

    def __init__(self, *topics: str) -> None:
        self.topics = topics

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return {0} if topic in self.topics else None


class Consumer:
    """Kafka's, as far as it is used; the contract tests use the real one."""

    def __init__(self, known: Sequence[str], subscribed: Sequence[str], is_silent: bool = False) -> None:
        self._cluster, self.subscribed, self.is_silent, self.requests = Memory(*known), subscribed, is_silent, 0

    def subscription(self) -> set[str]:
        return set(self.subscribed)

    def assignment(self) -> set[TopicPartition]:
        return {TopicPartition(topic, 0) for topic in self.subscribed}

    def partitions_for_topic(self, topic: str) -> set[int]:
        if partitions := self._cluster.partitions_for_topic(topic):
            return partitions
        pytest.fail("it waits for all metadata, without a deadline")

    def end_offsets(self, partitions: Sequence[TopicPartition], timeout_ms: int) -> dict[TopicPartition, int]:
        self.requests += 1
        if self.is_silent or any(not self._cluster.partitions_for_topic(each.topic) for each in partitions):
            raise KafkaTimeoutError(f"no answer in {timeout_ms} ms")
        return dict.fromkeys(partitions, 7)

    def position(self, _partition: TopicPartition, **_options: Any) -> int:
        return 4


@pytest.fixture
def group() -> Iterator[str]:
    name = uuid4().hex
    yield name
    for gauge in (metrics.CONSUMER_LAG, metrics.TOPIC_PARTITIONS):
        gauge.remove_by_labels({"service": name})


def shown(gauge: Gauge, group: str) -> dict[str, float]:
    samples = [sample for metric in gauge.collect() for sample in metric.samples]
    return {sample.labels["topic"]: sample.value for sample in samples if sample.labels["service"] == group}


def test_a_topic_that_is_gone_is_left_out_and_the_others_are_shown(group: str) -> None:
    consumer = Consumer(["stays"], ["gone", "stays"])
    LagGauge(consumer, PartitionQueues(1), group, KafkaSettings()).refresh()
    assert shown(metrics.TOPIC_PARTITIONS, group) == {"stays": 1}
    assert shown(metrics.CONSUMER_LAG, group) == {"stays": 3}


def test_a_broker_that_does_not_answer_is_not_asked_again_in_the_next_round(group: str) -> None:
    consumer = Consumer(["stays"], ["stays"], is_silent=True)
    gauge = LagGauge(consumer, PartitionQueues(1), group, KafkaSettings())
    gauge.refresh()
    gauge.refresh()
    assert consumer.requests == 1
