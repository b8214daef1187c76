"""The periodic work of every service over a stored archive on MinIO and PostgreSQL: requests, times, memory."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.fusion_scorer.erase import EraseCase
from services.results.sql_store import SqlStore
from shared import keys
from shared.blob.s3 import S3Store
from shared.erased import ErasedCases, request
from shared.settings import S3Settings
from shared.slides.served_encoders import serve
from shared.units import CaseId
from tests.bench import cpu_time
from tests.bench.archive_jobs import Jobs, periodic
from tests.bench.memory import of_process
from tests.bench.processes import pid_of
from tests.bench.stored_cases import GROUP, SEAL, StoredCases, case_id, encoder
from tests.bench.table import Row, Section
from tests.bench.timing import measured
from tests.support.object_stores import s3_settings
from tests.support.parts import MinioPart, PostgresPart

_FIRST_UP_TO = 1000
"""Cases of which the first sweeps are measured, which look at each of them."""


class CountedS3(S3Store):
    """A bucket that counts its HTTP requests by operation."""

    def __init__(self, settings: S3Settings) -> None:
        super().__init__(settings)
        self.requests = Counter[str]()
        self._s3.meta.events.register("before-send.s3", self._note)

    def _note(self, event_name: str, **_: Any) -> None:
        self.requests[event_name.rpartition(".")[2]] += 1


@dataclass(frozen=True)
class Cost:
    """What one run of a job took."""

    requests: Mapping[str, int] = field(default_factory=dict)
    """By operation of S3."""
    seconds: float = 0.0
    cpu_s: float = 0.0
    """Of this process."""
    servers_s: float = 0.0
    """CPU seconds of MinIO and PostgreSQL."""
    memory_mb: float = 0.0
    """By which this process grew, at its peak."""

    @property
    def requests_in_all(self) -> int:
        """Of every operation."""
        return sum(self.requests.values())

    def note(self, job: str) -> str:
        """The cost as a line."""
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.requests.items())) or "no request"
        return (
            f"{job}: {kinds}; CPU seconds {self.cpu_s:.2f} here and {self.servers_s:.2f} of the servers, "
            f"{self.memory_mb:.0f} MB more"
        )


@dataclass(frozen=True)
class _Archive:
    """Stored cases, and the work over them."""

    cases: int
    store: CountedS3
    results: SqlStore
    servers: frozenset[int]

    def measure(self, state: str, erased: CaseId) -> Section:
        """Run each job once."""
        costs = {name: self._cost(job) for name, job in self._jobs(erased).items()}
        rows = [
            row
            for name, cost in costs.items()
            for row in (
                Row(name, "requests", [cost.requests_in_all]),
                Row("  by the clock", "s", [cost.seconds]),
            )
        ]
        title = f"Control plane over {self.cases} cases of a slide and a record, {state}"
        return Section(title, rows, [cost.note(name) for name, cost in costs.items()])

    def _cost(self, job: Callable[[], object]) -> Cost:
        self.store.requests.clear()
        before, servers = _restarted_peak(), cpu_time.of_trees(self.servers)
        run = measured(job)
        grown, outside = of_process(os.getpid()).peak - before, cpu_time.of_trees(self.servers) - servers
        return Cost(dict(self.store.requests), run.seconds, run.cpu_seconds, outside, grown)

    def _jobs(self, case: CaseId) -> Jobs:
        """The periodic work, and the erasure of a case."""
        return dict(periodic(self.store, self.results)) | {
            "results: rows of one case erased": lambda: self.results.erase(case),
            "scorer: objects of one case erased": lambda: EraseCase(self.store, _no_letters)(request(case, "bench")),
        }

    def change(self) -> None:
        """Replace a slide and a record of one case."""
        case = case_id(self.cases // 2)
        self.store.put(f"{keys.slides(case)}A.svs", b"other bytes")
        self.store.put(keys.clinical(case), b"[]")


def compare(minio: MinioPart, postgres: PostgresPart, cases: int) -> list[Section]:
    """The first sweeps where they are not too many requests, sweeps of settled cases, and after one case changed."""
    return list(_sections(minio, postgres, cases))


def _sections(minio: MinioPart, postgres: PostgresPart, cases: int) -> Iterator[Section]:
    bucket, settled = minio.bucket("archive"), cases > _FIRST_UP_TO
    servers = frozenset({pid_of(minio.program), pid_of(postgres.program)})
    with closing(SqlStore(postgres.database(), seal=lambda: SEAL)) as results:
        results.migrate()
        StoredCases(cases, settled).store(minio.client(), bucket, results)
        store = CountedS3(s3_settings(minio, bucket))
        serve(store, GROUP, encoder().name, encoder().digest)
        ErasedCases(store).add(CaseId("GONE"))
        archive = _Archive(cases, store, results, servers)
        if not settled:
            yield archive.measure("first sweeps", case_id(0))
        yield archive.measure("settled", case_id(1))
        archive.change()
        yield archive.measure("after one changed", case_id(2))


def _no_letters(_: CaseId) -> int:
    """The letters of a case: none, as the bench has no Kafka."""
    return 0


def _restarted_peak() -> float:
    """MB that this process holds, from where its peak is counted anew (proc(5))."""
    Path("/proc/self/clear_refs").write_text("5")
    return of_process(os.getpid()).now
