"""The bus port on Kafka: a consumer that never stops polling."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import closing
from threading import Event
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.errors import AuthorizationError, FencedInstanceIdError, KafkaError
from kafka.structs import MemberState

from shared import logs
from shared.bus.kafka_client import KafkaDownError, connection, explained, to_delivery
from shared.bus.kafka_lag import LagGauge
from shared.bus.kafka_login import is_refused
from shared.bus.kafka_names import on_broker
from shared.bus.kafka_starts import Starts
from shared.bus.partition_queues import Partition, PartitionQueues
from shared.bus.port import Delivery
from shared.bus.refused_logins import RefusedLogins
from shared.bus.worker_pool import WorkerPool
from shared.settings import KafkaSettings

_BUSY_POLL_MS = 50
_IDLE_POLL_MS = 250
_JOINING_POLL_MS = 1_000
_COMMIT_MS = 5_000
_LOGIN_PAUSE_S = 1.0
"""Between two logins of which Kafka refused the first: kafka-python itself tries again at once."""
_TURN_S = 1.0
"""After this time a partition with a backlog yields its thread to others."""
_READ_AHEAD_BYTES = 65_536
_FETCH_MS = 100
"""How long the broker holds a fetch without records: a partition that was paused is in no fetch before that ends."""
_ALL_THAT_WAS_FETCHED = 100_000
"""kafka-python 3.0.12 may never return records that it buffered for a paused partition, so it must buffer none."""
_log = logs.get(__name__)


class KafkaConsumerAdapter:
    """One member of a consumer group, with up to `concurrency` handlers at work.

    `beat` is called on every round of the poll loop.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[str],
        concurrency: int = 4,
        beat: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._group = group
        self._topics = tuple(on_broker(settings, topic) for topic in topics)
        self._concurrency = concurrency
        self._beat = beat

    def run(self, stop: Event, handle: Callable[[Delivery], None]) -> None:
        """Consume until `stop` is set, then finish what is in flight and commit it.

        Raises:
            KafkaDownError: Kafka does not answer at the start, or a topic is missing.
            KafkaRefusedError: Kafka refuses us for good.
        """
        with explained(self._settings), closing(self._open()) as consumer:
            self._check_topics(consumer)
            pool = WorkerPool(self._concurrency, self._group)
            loop = _PollLoop(consumer, pool, handle, stop, self._group, self._settings)
            error = loop.run(self._topics, self._beat)
        if error is not None:
            raise error

    def _open(self) -> Any:
        session = self._settings.session_timeout_ms
        return KafkaConsumer(
            **connection(self._settings),
            group_id=on_broker(self._settings, self._group),
            group_instance_id=self._settings.group_instance_id or None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_poll_records=_ALL_THAT_WAS_FETCHED,
            max_partition_fetch_bytes=_READ_AHEAD_BYTES,
            fetch_max_wait_ms=_FETCH_MS,
            max_poll_interval_ms=self._settings.max_poll_interval_ms,
            session_timeout_ms=session,
            heartbeat_interval_ms=min(3_000, session // 3),
            partition_assignment_strategy=[CooperativeStickyAssignor],
        )

    def _check_topics(self, consumer: Any) -> None:
        missing = sorted(set(self._topics) - set(consumer.topics()))
        if missing:
            raise KafkaDownError(
                f"Kafka at {self._settings.bootstrap_servers} has no topic {', '.join(missing)}, "
                "or does not show it to us; create it before the service starts"
            )


class _PollLoop:
    """The only thread that uses the consumer; handlers run in the pool and report through the queues."""

    def __init__(
        self,
        consumer: Any,
        pool: WorkerPool,
        handle: Callable[[Delivery], None],
        stop: Event,
        group: str,
        settings: KafkaSettings,
    ) -> None:
        self._consumer = consumer
        self._pool = pool
        self._handle = handle
        self._stop = stop
        self._queues = PartitionQueues(pool.size)
        self._at_work: dict[Partition, Future[None]] = {}
        self._failed = Event()
        self._error: BaseException | None = None
        self._settings = settings
        self._lag = LagGauge(consumer, self._queues, group, settings)
        self._starts = Starts(consumer)
        self._refusals = RefusedLogins(is_refused)

    def run(self, topics: Sequence[str], beat: Callable[[], None]) -> BaseException | None:
        """Poll until `stop` is set or a handler fails; returns what it raised."""
        self._consumer.subscribe(topics, listener=_Rebalances(self._consumer, self._queues))
        try:
            while not self._ended():
                beat()
                self._collect()
                self._commit()
                self._starts.commit()
                self._start()
                self._poll()
                self._lag.refresh()
        except BaseException:
            self._failed.set()
            raise
        self._commit()
        return self._error

    def _ended(self) -> bool:
        """Whether to stop polling: no more handlers are to be started and none is at work."""
        return self._ending() and not self._at_work

    def _ending(self) -> bool:
        """Whether no more handlers are to be started: `stop` is set or one failed."""
        return self._stop.is_set() or self._failed.is_set()

    def _start(self) -> None:
        if self._ending():
            return
        for partition, due in self._queues.take(time.time()).items():
            self._at_work[partition] = self._pool.submit(self._work, partition, due)

    def _work(self, partition: Partition, due: Sequence[Delivery]) -> None:
        end = time.monotonic() + _TURN_S
        for delivery in due:
            if self._ending() or self._queues.is_revoked(partition) or time.monotonic() > end:
                return
            self._handle(delivery)
            self._queues.done(partition)
            if self._queues.gives_way(partition, time.time()):
                return

    def _collect(self) -> None:
        for partition in [partition for partition, work in self._at_work.items() if work.done()]:
            error = self._at_work.pop(partition).exception()
            self._queues.rest(partition)
            if error is not None:
                self._error = error
                self._failed.set()

    def _commit(self) -> None:
        finished = self._queues.to_commit()
        if not finished:
            return
        offsets = {TopicPartition(*key): OffsetAndMetadata(offset, "", -1) for key, offset in finished.items()}
        try:
            self._consumer.commit(offsets, timeout_ms=_COMMIT_MS)
            self._queues.committed(finished)
        except (AuthorizationError, FencedInstanceIdError):
            raise
        except KafkaError as error:
            _log.warning("offsets are not committed yet", error=str(error), partitions=len(offsets))

    def _poll(self) -> None:
        self._hold()
        try:
            read = self._consumer.poll(timeout_ms=self._patience_ms())
        except KafkaError as error:
            is_login = self._refusals.may_end(error)
            if not error.retriable and not is_login:
                raise
            _log.warning("polling again", error=str(error))
            if is_login:
                self._stop.wait(_LOGIN_PAUSE_S)
            return
        for partition, records in read.items():
            self._queues.add(Partition(*partition), (to_delivery(record, self._settings) for record in records))

    def _hold(self) -> None:
        """Pause exactly the partitions with unfinished deliveries; all of them at the end."""
        assigned = {Partition(*partition) for partition in self._consumer.assignment()}
        paused = {Partition(*partition) for partition in self._consumer.paused()}
        held = assigned if self._ending() else assigned & self._queues.held()
        self._consumer.pause(*(TopicPartition(*partition) for partition in held - paused))
        self._consumer.resume(*(TopicPartition(*partition) for partition in paused - held))

    def _patience_ms(self) -> int:
        """A group that is joining must be waited for inside `poll`: progress between two calls is lost."""
        if self._consumer.group_metadata().state != MemberState.STABLE:
            return _JOINING_POLL_MS
        return _BUSY_POLL_MS if self._at_work else _IDLE_POLL_MS


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python is untyped
    """Called on kafka-python's own thread, so it only sets marks; new partitions stay paused until the loop resumes."""

    def __init__(self, consumer: Any, queues: PartitionQueues) -> None:
        self._consumer = consumer
        self._queues = queues

    def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        """A partition is not read before the loop knows that no handler of an earlier assignment is at work on it."""
        self._consumer.pause(*assigned)

    def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:
        """Deliveries in flight continue, but the new owner commits their offsets."""
        self._queues.revoke(Partition(*partition) for partition in revoked)
