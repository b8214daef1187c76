"""Who is next on each partition: one delivery at work a partition, and which offsets may be committed."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from shared.bus.dead_letters import turns_of
from shared.bus.port import Delivery
from shared.bus.retry import not_before


class Place(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass
class _Lane:
    waiting: deque[Delivery] = field(default_factory=deque)
    """Read and not finished; the first is the one at work when `running`."""
    running: bool = False
    long: bool = False
    """At work on a record that has had a turn before."""
    revoked: bool = False


class Lanes:
    """A lane for each partition with unfinished deliveries; every method may be called from any thread.

    Of `threads` handlers one is always free of long work, where there are several.
    """

    def __init__(self, threads: int) -> None:
        self._most_long = most_long(threads)
        self._lanes: dict[Place, _Lane] = {}
        self._finished: dict[Place, int] = {}
        self._lock = Lock()

    def add(self, place: Place, deliveries: Iterable[Delivery]) -> None:
        """Queue what was read of a partition, in its order."""
        with self._lock:
            self._lanes.setdefault(place, _Lane()).waiting.extend(deliveries)

    def take(self, now: float) -> dict[Place, Sequence[Delivery]]:
        """The due deliveries of every partition that is not at work; it then is, until `rest`; `now` in Unix s."""
        with self._lock:
            taken: dict[Place, Sequence[Delivery]] = {}
            for place, lane in self._lanes.items():
                due = [] if lane.running else _due(lane, now)
                if due and self._has_room(due[0]):
                    lane.running, lane.long = True, is_long(due[0])
                    taken[place] = due
            return taken

    def _has_room(self, delivery: Delivery) -> bool:
        return not is_long(delivery) or sum(lane.long for lane in self._lanes.values()) < self._most_long

    def done(self, place: Place) -> None:
        """The delivery at work on a partition is finished for good."""
        with self._lock:
            lane = self._lanes[place]
            if not lane.revoked:
                self._finished[place] = lane.waiting.popleft().offset + 1

    def rest(self, place: Place) -> None:
        """Nobody works on the partition any more; what is left of it waits."""
        with self._lock:
            lane = self._lanes[place]
            lane.running = lane.long = False
            if lane.revoked or not lane.waiting:
                del self._lanes[place]

    def revoke(self, places: Iterable[Place]) -> None:
        """The partitions belong to somebody else: forget them, and what is at work on them will not be committed."""
        with self._lock:
            for place in places:
                self._finished.pop(place, None)
                lane = self._lanes.get(place)
                if lane is not None and lane.running:
                    lane.revoked = True
                elif lane is not None:
                    del self._lanes[place]

    def is_revoked(self, place: Place) -> bool:
        """Whether what is at work on a partition belongs to somebody else by now."""
        with self._lock:
            return self._lanes[place].revoked

    def held(self) -> set[Place]:
        """Partitions of which nothing more is to be read for now."""
        with self._lock:
            return set(self._lanes)

    def next_offsets(self) -> dict[Place, int]:
        """The first unfinished offset of every partition that has one."""
        with self._lock:
            return {place: lane.waiting[0].offset for place, lane in self._lanes.items() if lane.waiting}

    def to_commit(self) -> dict[Place, int]:
        """The offset to read on from, of every partition where that has moved."""
        with self._lock:
            return dict(self._finished)

    def committed(self, offsets: Mapping[Place, int]) -> None:
        """These offsets are safe; only what has moved since is still to be committed."""
        with self._lock:
            for place, offset in offsets.items():
                if self._finished.get(place) == offset:
                    del self._finished[place]


def is_long(delivery: Delivery) -> bool:
    """Whether work on a delivery has had a turn before."""
    return turns_of(delivery.record) > 0


def most_long(threads: int) -> int:
    """How many of `threads` handlers may do long work at the same time."""
    return max(1, threads - 1)


def _due(lane: _Lane, now: float) -> Sequence[Delivery]:
    """The deliveries to work on next: several short ones, or one that is long."""
    due: list[Delivery] = []
    for delivery in lane.waiting:
        if not_before(delivery.record) > now or (due and (is_long(delivery) or is_long(due[0]))):
            break
        due.append(delivery)
    return due
