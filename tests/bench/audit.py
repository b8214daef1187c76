"""The audit record of many cases in PostgreSQL: what a request verifies, all of it, and the erasure of one case."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import insert

from services.results import sql_verify
from services.results.audit_chain import GENESIS, AuditEntry, ChainReport
from services.results.schema import AUDIT, AUDIT_CHECKPOINTS, CASES, SCORES
from services.results.sql_store import SqlStore
from shared.canonical import sha256
from tests.bench.stored_cases import SEAL, case_id
from tests.bench.table import Row, Section
from tests.bench.timing import interleaved, measured
from tests.support.parts import PostgresPart

_RECENT = 100
"""Entries behind the checkpoint."""
_AT_ONCE = 1000
_AT = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Scored:
    """The rows of a case of one score."""

    entry: AuditEntry
    body: str

    def audit(self) -> dict[str, Any]:
        """The row of the audit record."""
        return asdict(self.entry) | {"hash": self.entry.hash()}

    def score(self) -> dict[str, Any]:
        """The row of the score."""
        entry = self.entry
        revision, kept = f"{1:016}", {"as_of": entry.as_of, "digest": entry.score_digest, "body": self.body}
        return {"case_id": entry.case_id, "score_id": entry.score_id, "revision": revision} | kept

    def case(self) -> dict[str, Any]:
        """The row of the case."""
        state = {"state": "scored", "labels": "", "revision": 1, "listed_revision": 1}
        return {"case_id": self.entry.case_id, "updated_at": _AT, "current_score_id": self.entry.score_id} | state


def compare(postgres: PostgresPart, cases: int, repeats: int) -> Section:
    """A request beside a walk over the whole record, which each request made before; and one case's erasure."""
    sizes = [size for size in (cases // 100, cases // 10, cases) if size > _RECENT]
    rows = [row for size in sizes for row in _rows(postgres, size, repeats)]
    return Section(f"Audit record in PostgreSQL, {_RECENT} entries behind its checkpoint", rows)


def _rows(postgres: PostgresPart, cases: int, repeats: int) -> Sequence[Row]:
    with closing(SqlStore(postgres.database(), seal=lambda: SEAL)) as results:
        results.migrate()
        _fill(results, cases)
        whole = partial(sql_verify.verify_whole, results.engine, None, _AT, results.archive)
        works = {"recent": partial(_intact, results.verify_chain), "whole": partial(_intact, whole)}
        runs = interleaved(repeats, works)
        erased = [measured(partial(results.erase, case_id(number))).seconds for number in range(repeats)]
    ours, other = ([run.seconds for run in runs[name]] for name in ("recent", "whole"))
    return (
        Row(f"verified, of {cases} entries", "s", ours, "the whole record", other),
        Row(f"one case erased, of {cases}", "s", erased),
    )


def _intact(verify: Callable[[], ChainReport]) -> None:
    assert verify().intact


def _fill(results: SqlStore, cases: int) -> None:
    scored = list(_scored(cases))
    with results.engine.begin() as tx:
        for start in range(0, cases, _AT_ONCE):
            batch = scored[start : start + _AT_ONCE]
            tx.execute(insert(SCORES), [row.score() for row in batch])
            tx.execute(insert(CASES), [row.case() for row in batch])
            tx.execute(insert(AUDIT), [row.audit() for row in batch])
        last = scored[-_RECENT - 1].entry
        tx.execute(insert(AUDIT_CHECKPOINTS), asdict(SEAL.checkpoint(last.seq, last.hash(), _AT)))


def _scored(cases: int) -> Iterator[_Scored]:
    previous = GENESIS
    for number in range(cases):
        body, at = f'{{"caseId":"{case_id(number)}"}}', _AT + timedelta(seconds=number)
        digest = sha256(body.encode())
        entry = AuditEntry(number + 1, case_id(number), digest, digest, at, f"event {number}", at, previous)
        previous = entry.hash()
        yield _Scored(entry, body)
