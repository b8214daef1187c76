"""Pending deliveries by partition: one is handled at a time, and finished offsets may be committed."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

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
    revoked: bool = False


class PartitionQueues:
    """A queue for each partition with unfinished deliveries; every method may be called from any thread."""

    def __init__(self) -> None:
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
            taken = {partition: _due(queue, now) for partition, queue in self._queues.items() if not queue.running}
            taken = {partition: due for partition, due in taken.items() if due}
            for partition in taken:
                self._queues[partition].running = True
            return taken

    def done(self, partition: Partition) -> None:
        """Finish the delivery at work on a partition."""
        with self._lock:
            queue = self._queues[partition]
            if not queue.revoked:
                self._finished[partition] = queue.pending.popleft().offset + 1

    def rest(self, partition: Partition) -> None:
        """End the work on a partition; its other deliveries stay queued."""
        with self._lock:
            queue = self._queues[partition]
            queue.running = False
            if queue.revoked or not queue.pending:
                del self._queues[partition]

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


def _due(queue: _Queue, now: float) -> Sequence[Delivery]:
    due = []
    for delivery in queue.pending:
        if not_before(delivery.record) > now:
            break
        due.append(delivery)
    return due
