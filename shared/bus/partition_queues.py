"""Pending deliveries by partition: one is handled at a time, and finished offsets may be committed."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from shared.bus import topics
from shared.bus.dead_letters import turns_of
from shared.bus.port import Delivery
from shared.bus.retry import not_before


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int


@dataclass
class _Queue:
    pending: deque[Delivery] = field(default_factory=deque)
    """Read and not finished; the first one is at work while `running`."""
    running: bool = False
    long: bool = False
    """At work on a record that has had a turn before, or is of a background topic."""
    revoked: bool = False


class PartitionQueues:
    """A queue for each partition with unfinished deliveries; every method may be called from any thread.

    Of several `threads` that handle deliveries, one is always free of long work and of background topics.
    """

    def __init__(self, threads: int) -> None:
        self._most_long = most_long(threads)
        self._queues: dict[Partition, _Queue] = {}
        self._finished: dict[Partition, int] = {}
        self._lock = Lock()

    def add(self, partition: Partition, deliveries: Iterable[Delivery]) -> None:
        """Queue deliveries of a partition, in their order."""
        with self._lock:
            self._queues.setdefault(partition, _Queue()).pending.extend(deliveries)

    def take(self, now: float) -> dict[Partition, Sequence[Delivery]]:
        """The due deliveries of idle partitions, which count as at work until `rest`; `now` in Unix seconds."""
        with self._lock:
            taken: dict[Partition, Sequence[Delivery]] = {}
            for partition, queue in sorted(self._queues.items(), key=lambda item: topics.is_background(item[0].topic)):
                due = [] if queue.running else _due(queue, now)
                if due and self._has_thread_for(due[0]) and not self._waits(partition, now):
                    queue.running, queue.long = True, is_long(due[0])
                    taken[partition] = due
            return taken

    def gives_way(self, partition: Partition, now: float) -> bool:
        """Whether the work on a partition, of a background topic, is to end before its next delivery."""
        with self._lock:
            return self._waits(partition, now)

    def _waits(self, partition: Partition, now: float) -> bool:
        """Whether a partition is of a background topic while another topic has a record at work or due."""
        if not topics.is_background(partition.topic):
            return False
        others = (queue for other, queue in self._queues.items() if not topics.is_background(other.topic))
        return any(queue.running or _due(queue, now) for queue in others)

    def _has_thread_for(self, delivery: Delivery) -> bool:
        return not is_long(delivery) or sum(queue.long for queue in self._queues.values()) < self._most_long

    def done(self, partition: Partition) -> None:
        """Finish the delivery at work on a partition."""
        with self._lock:
            queue = self._queues[partition]
            if not queue.revoked:
                self._finished[partition] = queue.pending.popleft().offset + 1

    def rest(self, partition: Partition) -> None:
        """End the work on a partition; its other deliveries stay queued, behind those of the other partitions."""
        with self._lock:
            queue = self._queues.pop(partition)
            queue.running = queue.long = False
            if queue.pending and not queue.revoked:
                self._queues[partition] = queue

    def revoke(self, partitions: Iterable[Partition]) -> None:
        """Forget partitions that moved to another member; deliveries at work on them are not committed."""
        with self._lock:
            for partition in partitions:
                self._finished.pop(partition, None)
                queue = self._queues.get(partition)
                if queue is not None and queue.running:
                    queue.revoked = True
                elif queue is not None:
                    del self._queues[partition]

    def is_revoked(self, partition: Partition) -> bool:
        """Whether a partition at work has moved to another member."""
        with self._lock:
            return self._queues[partition].revoked

    def held(self) -> set[Partition]:
        """Partitions that must not be read for now."""
        with self._lock:
            return set(self._queues)

    def next_offsets(self) -> dict[Partition, int]:
        """The first unfinished offset of every partition that has one."""
        with self._lock:
            return {partition: queue.pending[0].offset for partition, queue in self._queues.items() if queue.pending}

    def to_commit(self) -> dict[Partition, int]:
        """The next offset of every partition with finished deliveries that are not committed."""
        with self._lock:
            return dict(self._finished)

    def committed(self, offsets: Mapping[Partition, int]) -> None:
        """Record that these offsets are committed."""
        with self._lock:
            for partition, offset in offsets.items():
                if self._finished.get(partition) == offset:
                    del self._finished[partition]


def is_long(delivery: Delivery) -> bool:
    """Whether work on a delivery has had a turn before, or is background work."""
    return turns_of(delivery.record) > 0 or topics.is_background(delivery.record.topic)


def most_long(threads: int) -> int:
    """How many of `threads` may do long work at the same time."""
    return max(1, threads - 1)


def _due(queue: _Queue, now: float) -> Sequence[Delivery]:
    """The deliveries to handle next: several, or one that has had a turn before."""
    due: list[Delivery] = []
    for delivery in queue.pending:
        if not_before(delivery.record, now) > now or (due and (turns_of(delivery.record) or turns_of(due[0].record))):
            break
        due.append(delivery)
    return due
