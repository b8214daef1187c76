"""In the background one mark stands for many records; those of a process that died are worked on alone."""

from contextlib import AbstractContextManager, ExitStack

import pytest

from shared import keys
from shared.attempt_ranges import RANGE, Offset
from shared.attempts import Attempts
from shared.blob.memory import MemoryStore
from shared.bus.retry import GIVE_UP_AFTER
from shared.canonical import sha256
from shared.errors import AtWorkError
from shared.process_marks import BEAT_S, Process
from tests.support.counting_store import CountingStore

LONG_S = 3_600.0


class Partition:
    """One partition of a background topic, and processes that die at work on its records."""

    def __init__(self) -> None:
        self.store, self.now = CountingStore(MemoryStore()), 1_000_000.0
        self._processes = 0
        self._cut_off = ExitStack()
        """Work that never ends."""

    def process(self) -> Attempts:
        self._processes += 1
        return Attempts(self.store, Process(f"host-{self._processes}", 1, str(self._processes)), lambda: self.now)

    def deaths(self, process: Attempts, number: int) -> int:
        """Work on the record at an offset; the deaths that count for it."""
        with self._attempt(process, number) as deaths:
            return deaths

    def die_at(self, number: int, since: int = 0) -> int:
        """A new process works from an offset on, and dies at another one; the deaths that counted for that."""
        process = self.process()
        for before in range(since, number):
            self.deaths(process, before)
        deaths = self._cut_off.enter_context(self._attempt(process, number))
        self.now += LONG_S
        return deaths

    def marks(self) -> list[str]:
        return [info.key for info in self.store.list(keys.ATTEMPTS)]

    @staticmethod
    def _attempt(process: Attempts, number: int) -> AbstractContextManager[int]:
        key = keys.attempt("scorer", sha256(str(number).encode()), f"case-{number}")
        return process.attempt(key, "scorer", Offset("cases.background", 0, number))


@pytest.fixture
def partition() -> Partition:
    return Partition()


def test_a_range_of_records_costs_two_requests(partition: Partition) -> None:
    process = partition.process()
    assert [partition.deaths(process, number) for number in range(RANGE)] == [0] * RANGE
    assert partition.store.requests.total() == 2


def test_a_record_that_kills_every_process_is_given_up_and_its_neighbours_are_not(partition: Partition) -> None:
    assert [partition.die_at(5), *(partition.die_at(5, since=3) for _ in range(3))] == [0, 1, 2, GIVE_UP_AFTER]
    process = partition.process()
    assert [partition.deaths(process, number) for number in (5, 6)] == [GIVE_UP_AFTER, 1]


def test_what_lies_behind_the_range_of_a_dead_process_is_no_suspect(partition: Partition) -> None:
    partition.die_at(5)
    process = partition.process()
    assert [partition.deaths(process, number) for number in (5, RANGE - 1, RANGE)] == [1, 1, 0]
    assert len(partition.marks()) == 1


def test_a_process_that_stops_or_is_idle_leaves_no_suspects(partition: Partition) -> None:
    stopped, idle = partition.process(), partition.process()
    partition.deaths(stopped, 0)
    stopped.give_back()
    partition.deaths(idle, 1)
    partition.now += BEAT_S + 1
    idle.beat()
    assert partition.marks() == []
    with pytest.raises(AtWorkError):
        partition.deaths(stopped, 2)
    assert partition.marks() == []


def test_the_range_of_a_live_process_makes_no_suspects_after_a_rebalance(partition: Partition) -> None:
    before, after = partition.process(), partition.process()
    partition.deaths(before, 0)
    assert partition.deaths(after, 1) == 0
    assert len(partition.marks()) == 2


def test_a_range_that_cannot_be_read_makes_no_suspects(partition: Partition) -> None:
    for spoilt in (b"", b"[]", b"{}", b'{"first": 0, "end": 9, "process": {"pid": 1}, "beat": 0}', b"\xff"):
        partition.store.put(f"{keys.attempt_range('scorer', 'cases.background', 0)}x.json", spoilt)
        assert partition.deaths(partition.process(), 0) == 0
