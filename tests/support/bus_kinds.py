"""Both buses with one interface, so that a test can run on both."""

import uuid
from collections.abc import Callable, Sequence
from typing import Protocol

from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_admin import ensure_topics, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.memory import MemoryBus
from shared.bus.port import Consumer, Producer, Record
from shared.settings import KafkaSettings


class BusKind(Protocol):
    """A bus with topics of a test's own."""

    def topic(self, prefix: str = "test") -> str:
        """A new, empty topic of three partitions."""

    def ensure(self, *topics: str) -> None:
        """Create topics by their names."""

    def producer(self) -> Producer:
        """A producer."""

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """One more member of a group of this test's own."""

    def records(self, topic: str) -> list[Record]:
        """All records on a topic, delayed ones too."""

    def close(self) -> None:
        """Close everything."""


class MemoryKind:
    """The bus of the laptop."""

    def __init__(self) -> None:
        self.bus = MemoryBus()

    def topic(self, prefix: str = "test") -> str:
        return _unique(prefix)

    def ensure(self, *topics: str) -> None:
        """Topics of this bus need not be created."""

    def producer(self) -> Producer:
        return self.bus.producer()

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        return self.bus.consumer(group, topics)

    def records(self, topic: str) -> list[Record]:
        return self.bus.records(topic)

    def close(self) -> None:
        """Nothing was opened."""


class KafkaKind:
    """A real broker."""

    def __init__(self, bootstrap: str) -> None:
        self.settings = KafkaSettings(
            bootstrap_servers=bootstrap, session_timeout_ms=6_000, max_poll_interval_ms=10_000
        )
        self._own = uuid.uuid4().hex[:12]
        self._producer: KafkaProducerAdapter | None = None

    def topic(self, prefix: str = "test") -> str:
        name = _unique(prefix)
        self.ensure(name)
        return name

    def ensure(self, *topics: str) -> None:
        ensure_topics(self.settings, topics)

    def producer(self) -> KafkaProducerAdapter:
        self._producer = self._producer or KafkaProducerAdapter(self.settings)
        return self._producer

    def consumer(
        self, group: str, topics: Sequence[str], instance: str = "", beat: Callable[[], None] = lambda: None
    ) -> KafkaConsumerAdapter:
        settings = self.settings.model_copy(update={"group_instance_id": instance})
        return KafkaConsumerAdapter(settings, self.group(group), topics, concurrency=3, beat=beat)

    def group(self, name: str) -> str:
        """What the broker calls a group of this test's own."""
        return f"{name}-{self._own}"

    def records(self, topic: str) -> list[Record]:
        return [delivery.record for delivery in read_topic(self.settings, topic)]

    def close(self) -> None:
        if self._producer is not None:
            self._producer.close()


def _unique(prefix: str) -> str:
    return f"{prefix}.{uuid.uuid4().hex[:12]}"
