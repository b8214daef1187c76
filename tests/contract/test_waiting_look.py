"""Of several replicas of results one at a time looks for pending slides; whoever dies meanwhile holds off none."""

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Event

import pytest
from prometheus_client import REGISTRY

from services.results.pending_slides import PendingSlides
from services.results.sql_store import SqlStore
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo
from shared.errors import TransientError
from shared.units import CaseId
from shared.waiting import last_published, publish
from tests.support import scores as samples
from tests.support.parts import PostgresPart
from tests.support.polling import PATIENCE_S, eventually

CASE = CaseId("MB-1")
_HOLD = """
import sys
from services.results.sql_store import SqlStore
with SqlStore(sys.argv[1]).look_alone() as alone:
    print(alone, flush=True)
    sys.stdin.read()
"""


class _SlowBucket(MemoryStore):
    """Slides, whose listing waits until the test lets it end."""

    def __init__(self) -> None:
        super().__init__()
        self.listings = 0
        self.begun, self.may_end = Event(), Event()

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        self.listings += prefix == keys.SLIDES
        self.begun.set()
        assert self.may_end.wait(PATIENCE_S)
        yield from super().list(prefix)


class _BucketThatIsDown(MemoryStore):
    def list(self, prefix: str) -> Iterator[BlobInfo]:
        raise TransientError(f"{prefix} cannot be listed")


@pytest.fixture
def replicas(postgres: PostgresPart) -> Iterator[tuple[SqlStore, SqlStore]]:
    """Two programs' stores in one database."""
    url = postgres.database()
    with closing(SqlStore(url)) as one, closing(SqlStore(url)) as other:
        one.migrate()
        yield one, other


def _waiting() -> float | None:
    return REGISTRY.get_sample_value("medulla_waiting_slides")


def test_while_one_looks_the_other_serves_the_last_list(replicas: tuple[SqlStore, SqlStore]) -> None:
    bucket = _SlowBucket()
    for name in ("A.svs", "B.svs"):
        bucket.put(f"{keys.slides(CASE)}{name}", b"slide")
    publish(bucket, [], samples.at(0))
    one, other = (PendingSlides(bucket, results) for results in replicas)
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(one)
        assert bucket.begun.wait(PATIENCE_S)
        other()
        assert (_waiting(), bucket.listings) == (0, 1)
        bucket.may_end.set()
        look.result(PATIENCE_S)
    assert (_waiting(), len(last_published(bucket).slides)) == (2, 2)
    PendingSlides(bucket, replicas[1], every_s=300)()
    assert bucket.listings == 1
    other()
    assert bucket.listings == 2


def test_the_next_one_looks_when_the_looker_was_killed(postgres: PostgresPart) -> None:
    url, bucket = postgres.database(), _SlowBucket()
    bucket.may_end.set()
    command = [sys.executable, "-c", _HOLD, url]
    with (
        closing(SqlStore(url)) as results,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as looker,
    ):
        results.migrate()
        look = PendingSlides(bucket, results)
        assert looker.stdout is not None
        try:
            assert looker.stdout.readline() == "True\n"
            look()
            assert bucket.listings == 0
        finally:
            looker.kill()

        def has_looked() -> int:
            look()
            return bucket.listings

        eventually(has_looked)
    assert last_published(bucket).at is not None


def test_a_look_that_fails_lets_the_next_one_look(replicas: tuple[SqlStore, SqlStore]) -> None:
    one, other = replicas
    with pytest.raises(TransientError):
        PendingSlides(_BucketThatIsDown(), one)()
    with one.look_alone() as first, other.look_alone() as second:
        assert (first, second) == (True, False)
    with other.look_alone() as alone:
        assert alone
