"""A mark in the bucket tells a process that died at work on a record from one that handed it over."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier, Event, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.embedder.handler import EmbedSlide
from services.tiler.isolated_reader import ReaderLimits
from shared import keys
from shared.attempts import LEASE_S, Attempts
from shared.blob.folder import FolderStore
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.retry import GIVE_UP_AFTER
from shared.canonical import sha256
from shared.errors import AtWorkError, TransientError
from shared.process_marks import Process
from shared.units import CaseId
from tests.support.polling import PATIENCE_S, eventually

KEY = keys.attempt("tiler", sha256(b"record"), "case-1")
BEFORE_SILENT_S, LONG_S = 20.0, 3_600.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Cluster:
    """Processes on hosts of their own, over one store; the test says when one dies."""

    def __init__(self, store: BlobStore) -> None:
        self.store, self.clock, self._count = store, Clock(), 0
        self._cut_off = ExitStack()
        """Work that never ends: kept, since Python would leave what is forgotten in good order."""

    def process(self, host: str = "", turn_s: float = 0.0) -> Attempts:
        self._count += 1
        here = Process(host or f"host-{self._count}", pid=1, token=str(self._count))
        return Attempts(self.store, here, self.clock, turn_s)

    def begin(self, attempts: Attempts, key: str = KEY) -> int:
        """Begin work that never ends; the deaths that were found."""
        return self._cut_off.enter_context(attempts.attempt(key, "tiler"))

    def die_at_work(self, key: str = KEY) -> int:
        """A new process begins and is gone; the deaths that it found."""
        deaths = self.begin(self.process(), key)
        self.clock.now += LONG_S
        return deaths

    def marks(self) -> list[str]:
        return [info.key for info in self.store.list(keys.ATTEMPTS)]


@pytest.fixture(params=["memory", "folder"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Cluster:
    return Cluster(MemoryStore() if request.param == "memory" else FolderStore(tmp_path))


def count(attempts: Attempts, key: str = KEY) -> int:
    """Deaths that a process finds when it begins and ends work."""
    with attempts.attempt(key, "tiler") as deaths:
        return deaths


def test_work_that_ends_leaves_no_mark(cluster: Cluster) -> None:
    attempts = cluster.process()
    with attempts.attempt(KEY, "tiler") as deaths:
        assert deaths == 0
        assert cluster.marks() == [KEY]
    assert cluster.marks() == []
    with pytest.raises(TransientError), attempts.attempt(KEY, "tiler"):
        raise TransientError("the store is down")
    assert cluster.marks() == []


def test_deaths_add_up_until_the_record_is_given_up_for_good(cluster: Cluster) -> None:
    assert [cluster.die_at_work() for _ in range(GIVE_UP_AFTER + 1)] == [0, 1, 2, 3]
    assert count(cluster.process()) == GIVE_UP_AFTER
    assert count(cluster.process()) == GIVE_UP_AFTER


def test_success_forgets_deaths(cluster: Cluster) -> None:
    cluster.die_at_work()
    assert count(cluster.process()) == 1
    assert cluster.die_at_work() == 0


def test_a_restart_on_the_same_machine_is_known_at_once(cluster: Cluster) -> None:
    cluster.begin(cluster.process("pod"))
    assert count(cluster.process("pod")) == 1


@pytest.mark.parametrize("is_stopping", [False, True])
def test_a_record_that_is_handed_over_while_at_work_waits_for_its_end_and_counts_no_death(
    cluster: Cluster, is_stopping: bool
) -> None:
    before = cluster.process()
    with before.attempt(KEY, "tiler") as deaths:
        assert deaths == 0
        if is_stopping:
            before.give_back()
        for after in (cluster.process() if is_stopping else before, *(cluster.process() for _ in range(20))):
            cluster.clock.now += BEFORE_SILENT_S
            before.beat()
            with pytest.raises(AtWorkError):
                count(after)
    assert cluster.marks() == []
    assert count(cluster.process()) == 0


def test_a_lease_is_longer_than_the_longest_turn_that_a_service_allows() -> None:
    limits = ReaderLimits()
    assert max(limits.first_turn_s, limits.plan_s, EmbedSlide.turn_s) < LEASE_S


def test_a_lease_is_longer_than_a_turn_that_an_operator_made_longer(cluster: Cluster) -> None:
    before, after = (cluster.process(turn_s=LONG_S) for _ in range(2))
    cluster.begin(before)
    cluster.clock.now += LONG_S
    before.beat()
    with pytest.raises(AtWorkError):
        count(after)
    cluster.clock.now += LONG_S
    before.beat()
    assert count(after) == 0


def test_work_that_hangs_keeps_no_other_process_from_its_record(cluster: Cluster) -> None:
    hanging = cluster.process()
    cluster.begin(hanging)
    cluster.clock.now += LEASE_S
    hanging.beat()
    assert count(cluster.process()) == 0


@pytest.mark.parametrize("hangs", [False, True])
def test_of_two_processes_that_take_an_abandoned_record_over_at_once_one_gets_it(hangs: bool) -> None:
    store = InterruptedReads()
    cluster = Cluster(store)
    abandoned, first, second = (cluster.process() for _ in range(3))
    cluster.begin(abandoned)
    cluster.clock.now += LONG_S
    if hangs:
        abandoned.beat()
    store.between = lambda: cluster.begin(first)
    with pytest.raises(AtWorkError):
        cluster.begin(second)
    assert json.loads(store.get(KEY))["process"]["token"] == "2"


def test_a_process_whose_record_was_taken_over_neither_refreshes_nor_removes_the_mark(cluster: Cluster) -> None:
    hanging, after = cluster.process(), cluster.process()
    with hanging.attempt(KEY, "tiler"):
        cluster.clock.now += LONG_S
        cluster.begin(after)
        hanging.beat()
        assert json.loads(cluster.store.get(KEY))["process"]["token"] == "2"
    assert cluster.marks() == [KEY]


def test_two_threads_of_a_process_never_work_on_a_record_at_once() -> None:
    store = InterruptedWrites()
    cluster = Cluster(store)
    process, refused = cluster.process(), []

    def begin_again() -> None:
        with pytest.raises(AtWorkError) as caught:
            count(process)
        refused.append(caught.value)

    store.between = begin_again
    assert count(process) == 0
    assert len(refused) == 1


class InterruptedReads(MemoryStore):
    """A bucket in which something else happens once, after a mark was read."""

    between: Callable[[], object] | None = None

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        data = super().get_range(info, start, end)
        between, self.between = self.between, None
        if between:
            between()
        return data


class InterruptedWrites(MemoryStore):
    """A bucket in which something else happens once, after a mark was written."""

    between: Callable[[], object] | None = None

    def put_new(self, key: str, data: bytes) -> bool:
        is_new = super().put_new(key, data)
        between, self.between = self.between, None
        if between:
            between()
        return is_new


@given(deaths=st.integers(0, GIVE_UP_AFTER - 1))
@settings(max_examples=10)
def test_what_is_cut_off_after_a_process_was_told_to_stop_is_no_death(deaths: int) -> None:
    cluster = Cluster(MemoryStore())
    for _ in range(deaths):
        cluster.die_at_work()
    drained = cluster.process()
    cluster.begin(drained)
    drained.give_back()
    drained.beat()
    cluster.clock.now += LONG_S
    assert count(cluster.process()) == deaths


def test_a_stopping_process_refreshes_its_marks_until_its_work_ends(cluster: Cluster) -> None:
    stopping, stop = cluster.process(), Event()
    stop.set()
    beats = Thread(target=stopping.run, args=(stop,))
    with stopping.attempt(KEY, "tiler"):
        beats.start()
        eventually(lambda: json.loads(cluster.store.get(KEY))["stopping"])
    beats.join(PATIENCE_S)
    assert not beats.is_alive()
    assert cluster.marks() == []


def test_a_process_that_is_stopping_begins_no_work(cluster: Cluster) -> None:
    stopping = cluster.process()
    stopping.give_back()
    with pytest.raises(AtWorkError, match="stopping"):
        cluster.begin(stopping)
    assert cluster.marks() == []


def test_work_that_begins_while_its_process_is_asked_to_stop_is_kept_from_others_until_it_ends() -> None:
    store = InterruptedWrites()
    cluster = Cluster(store)
    stopping, stop = cluster.process(), Event()
    store.between = stopping.give_back
    stop.set()
    with stopping.attempt(KEY, "tiler"):
        beats = Thread(target=stopping.run, args=(stop,))
        beats.start()
        eventually(lambda: json.loads(store.get(KEY))["stopping"])
        with pytest.raises(AtWorkError):
            count(cluster.process())
        assert beats.is_alive()
    beats.join(PATIENCE_S)
    assert cluster.marks() == []


def test_a_mark_that_cannot_be_read_counts_no_death(cluster: Cluster) -> None:
    for spoilt in (b"", b"[]", b"{}", b'{"process": 1}', b'{"process": {"pid": 1}}', b"\xff"):
        cluster.store.put(KEY, spoilt)
        assert count(cluster.process()) == 0
        assert cluster.marks() == []


def test_what_died_before_is_at_work_alone() -> None:
    cluster = Cluster(MemoryStore())
    cluster.die_at_work()
    attempts, inside, most = cluster.process(), [], []
    start = Barrier(6)

    def work(key: str) -> None:
        start.wait(PATIENCE_S)
        with attempts.attempt(key, "tiler"):
            inside.append(key)
            most.append(list(inside))
            Event().wait(0.01)
            inside.remove(key)

    names = [KEY, *(keys.attempt("tiler", sha256(bytes([n])), "case-1") for n in range(5))]
    threads = [Thread(target=work, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [together for together in most if KEY in together] == [[KEY]]
    assert cluster.marks() == []


def test_a_case_s_marks_have_a_prefix_of_their_own() -> None:
    assert KEY.startswith(keys.attempts(CaseId("case-1")))
    assert keys.attempt("tiler", sha256(b"x")).startswith(f"{keys.ATTEMPTS}tiler-")
