"""A store that loses a response or refuses one object gives no record of a live process away."""

from contextlib import ExitStack

import pytest

from shared import keys
from shared.attempt_ranges import Offset
from shared.attempts import Attempts, Mark
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.canonical import sha256
from shared.errors import AtWorkError, TransientError
from shared.process_marks import BEAT_S, SILENT_S, Process

RECORDS = [keys.attempt("tiler", sha256(bytes([number])), "case-1") for number in range(3)]
DEAD = Process("a host that is gone", 1, "dead")
ROUNDS = int(SILENT_S / BEAT_S) + 1


class FaultyStore(MemoryStore):
    """Refuses requests for keys that start with `refused`; where `is_lossy`, a client's retry sees its own write."""

    refused = "nothing"
    is_lossy = False

    def head(self, key: str) -> BlobInfo | None:
        self._check(key)
        return super().head(key)

    def put(self, key: str, data: bytes) -> BlobInfo:
        self._check(key)
        return super().put(key, data)

    def put_new(self, key: str, data: bytes) -> bool:
        return super().put_new(key, data) and not self.is_lossy

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        written = super().replace(info, data)
        return None if self.is_lossy else written

    def _check(self, key: str) -> None:
        if key.startswith(self.refused):
            raise TransientError(f"the object store does not answer for {key!r}")


class Cluster:
    """Two processes, and records that the first one is at work on."""

    def __init__(self) -> None:
        self.store, self.now, self.at_work = FaultyStore(), 1_000_000.0, ExitStack()
        self.first, self.second = (Attempts(self.store, Process(name, 1, name), lambda: self.now) for name in "ab")

    def begin(self, key: str, offset: Offset | None = None) -> int:
        return self.at_work.enter_context(self.first.attempt(key, "tiler", offset))

    def beat_while_refused(self, prefix: str) -> None:
        """Rounds of the first process for longer than a dead one is silent."""
        self.store.refused = prefix
        for _ in range(ROUNDS):
            self.now += BEAT_S
            with pytest.raises(TransientError, match=prefix):
                self.first.beat()
        self.store.refused = FaultyStore.refused

    def deaths(self, key: str, offset: Offset | None = None) -> int:
        with self.second.attempt(key, "tiler", offset) as deaths:
            return deaths


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.mark.parametrize("deaths", [None, 0, 1])
def test_a_mark_whose_write_was_done_and_its_response_lost_is_this_processs(
    cluster: Cluster, deaths: int | None
) -> None:
    if deaths is not None:
        cluster.store.put(RECORDS[0], Mark(deaths, DEAD).to_bytes())
    cluster.store.is_lossy = True
    assert cluster.begin(RECORDS[0]) == (0 if deaths is None else deaths + 1)
    with pytest.raises(AtWorkError):
        cluster.deaths(RECORDS[0])
    cluster.at_work.close()
    assert not list(cluster.store.list(""))


@pytest.mark.parametrize("refused", RECORDS)
def test_a_mark_that_cannot_be_refreshed_gives_no_other_record_away(cluster: Cluster, refused: str) -> None:
    for key in RECORDS:
        cluster.begin(key)
    cluster.beat_while_refused(refused)
    for key in set(RECORDS) - {refused}:
        with pytest.raises(AtWorkError):
            cluster.deaths(key)
    assert cluster.deaths(refused) == 1


@pytest.mark.parametrize("refused", [0, 1])
def test_a_range_that_cannot_be_refreshed_gives_no_other_range_and_no_record_away(
    cluster: Cluster, refused: int
) -> None:
    offsets = [Offset("cases.background", partition, 0) for partition in range(2)]
    for key, offset in zip(RECORDS, [*offsets, None], strict=True):
        cluster.begin(key, offset)
    cluster.beat_while_refused(keys.attempt_range("tiler", "cases.background", refused))
    assert [cluster.deaths(RECORDS[number], offsets[number]) for number in (refused, 1 - refused)] == [1, 0]
    with pytest.raises(AtWorkError):
        cluster.deaths(RECORDS[2])
