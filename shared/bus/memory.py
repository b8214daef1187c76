"""A bus inside one process, for the laptop and for tests."""

import time
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from threading import Condition, Event
from typing import NamedTuple

from shared.bus.partition_queues import Partition, is_long, most_long
from shared.bus.port import LARGEST_BYTES, Consumer, Delivery, Producer, Record, RecordTooLargeError, size_of
from shared.bus.retry import not_before
from shared.bus.topics import is_background
from shared.bus.worker_pool import WorkerPool

_WAKE_S = 0.1


class _Written(NamedTuple):
    record: Record
    at: float


class _Group:
    """What a consumer group has read, and which partitions are at work."""

    def __init__(self) -> None:
        self.committed: dict[Partition, int] = defaultdict(int)
        self.busy: dict[Partition, Delivery] = {}


class MemoryBus:
    """Topics of `partitions` partitions; nothing is kept after the process ends."""

    def __init__(self, partitions: int = 3) -> None:
        self._partitions = partitions
        self._logs: dict[Partition, list[_Written | None]] = defaultdict(list)
        self._groups: dict[str, _Group] = defaultdict(_Group)
        self._changed = Condition()

    def producer(self) -> Producer:
        """A producer whose records every later and present consumer sees."""
        return _MemoryProducer(self)

    def consumer(self, group: str, topics: Sequence[str]) -> Consumer:
        """One more member of `group`; a group starts at the beginning of its topics."""
        return _MemoryConsumer(self, group, topics, self._partitions)

    def records(self, topic: str) -> list[Record]:
        """Everything on a topic, partition by partition, in order."""
        return [delivery.record for delivery in self.deliveries(topic)]

    def deliveries(self, topic: str) -> list[Delivery]:
        """Every record now on a topic, with its place and time."""
        with self._changed:
            return [
                Delivery(written.record, partition.number, offset, written.at)
                for partition in self._partitions_of([topic])
                for offset, written in enumerate(self._logs[partition])
                if written is not None
            ]

    def forget(self, topic: str, is_obsolete: Callable[[Delivery], bool]) -> int:
        """Remove records of a topic and return how many; the offsets of the others stay."""
        obsolete = [delivery for delivery in self.deliveries(topic) if is_obsolete(delivery)]
        with self._changed:
            for delivery in obsolete:
                self._logs[Partition(topic, delivery.partition)][delivery.offset] = None
        return len(obsolete)

    def lag(self, group: str, topics: Sequence[str]) -> int:
        """How many records of `topics` the group has not finished yet, delayed ones included."""
        with self._changed:
            committed = self._groups[group].committed
            return sum(len(self._logs[partition]) - committed[partition] for partition in self._partitions_of(topics))

    def append(self, records: Sequence[Record]) -> None:
        """Put records on their topics and wake the consumers."""
        with self._changed:
            for record in records:
                partition = zlib.crc32(record.key.encode(errors="surrogateescape")) % self._partitions
                self._logs[Partition(record.topic, partition)].append(_Written(record, time.time()))
            self._changed.notify_all()

    @contextmanager
    def claimed(self, group: str, topics: Sequence[str], stop: Event) -> Iterator[Delivery | None]:
        """Hold the next due delivery, or None after a moment; leaving without an exception commits it."""
        state = self._groups[group]
        with self._changed:
            delivery = self._next(state, topics)
            if delivery is None:
                self._changed.wait(_WAKE_S)
                delivery = None if stop.is_set() else self._next(state, topics)
            if delivery is not None:
                state.busy[Partition(delivery.record.topic, delivery.partition)] = delivery
        done = False
        try:
            yield delivery
            done = True
        finally:
            if delivery is not None:
                self._release(state, delivery, done)

    def _next(self, state: _Group, topics: Sequence[str]) -> Delivery | None:
        """The oldest due delivery, so that no topic starves, but for background topics, which wait for all others."""
        heads = (self._head(state, partition) for partition in self._partitions_of(topics))
        due = [delivery for delivery in heads if delivery is not None]
        if sum(map(is_long, state.busy.values())) >= most_long(self._partitions):
            due = [delivery for delivery in due if not is_long(delivery)]
        if not all(is_background(each.record.topic) for each in (*due, *state.busy.values())):
            due = [delivery for delivery in due if not is_background(delivery.record.topic)]
        return min(due, key=lambda delivery: delivery.written_at, default=None)

    def _head(self, state: _Group, partition: Partition) -> Delivery | None:
        offset, log = state.committed[partition], self._logs[partition]
        while offset < len(log) and log[offset] is None:
            offset += 1
        written = log[offset] if offset < len(log) else None
        if partition in state.busy or written is None:
            return None
        (record, at), now = written, time.time()
        return Delivery(record, partition.number, offset, at) if not_before(record, now) <= now else None

    def _release(self, state: _Group, delivery: Delivery, done: bool) -> None:
        partition = Partition(delivery.record.topic, delivery.partition)
        with self._changed:
            state.busy.pop(partition, None)
            if done:
                state.committed[partition] = delivery.offset + 1
            self._changed.notify_all()

    def _partitions_of(self, topics: Sequence[str]) -> list[Partition]:
        return [Partition(topic, partition) for topic in topics for partition in range(self._partitions)]


class _MemoryProducer:
    def __init__(self, bus: MemoryBus) -> None:
        self._bus = bus

    def send(self, records: Sequence[Record]) -> None:
        for record in records:
            if size_of(record) > LARGEST_BYTES:
                raise RecordTooLargeError(f"a record of {size_of(record)} bytes for topic {record.topic}")
        self._bus.append(records)


class _MemoryConsumer:
    """At most `threads` handlers at work; one that fails ends them all."""

    def __init__(self, bus: MemoryBus, group: str, topics: Sequence[str], threads: int) -> None:
        self._bus, self._group, self._topics, self._threads = bus, group, topics, threads

    def run(self, stop: Event, handle: Callable[[Delivery], None]) -> None:
        failed = Event()
        pool = WorkerPool(self._threads, self._group)
        loops = [pool.submit(self._loop, stop, failed, handle) for _ in range(self._threads)]
        wait(loops)
        for loop in loops:
            loop.result()

    def _loop(self, stop: Event, failed: Event, handle: Callable[[Delivery], None]) -> None:
        try:
            while not stop.is_set() and not failed.is_set():
                with self._bus.claimed(self._group, self._topics, stop) as delivery:
                    if delivery is not None:
                        handle(delivery)
        except BaseException:
            failed.set()
            raise
