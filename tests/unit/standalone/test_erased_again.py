"""Cases that are erased again after a restore have the entry of whoever erased them first."""

from collections.abc import Mapping

import pytest

from services.results.audit_chain import ERASED, EXPIRED
from services.results.sql_store import SqlStore
from services.standalone.backup.erasures import EraseAgain
from shared.blob.memory import MemoryStore
from shared.canonical import sha256
from shared.erased import RETENTION, ErasedCases
from shared.units import CaseId, Sha256
from tests.support.result_stores import apply, record

CASE = CaseId("a")
DIGEST = sha256(CASE.encode())


@pytest.mark.parametrize(
    ("causes", "marker", "why"),
    [
        ({DIGEST: RETENTION}, None, EXPIRED),
        ({DIGEST: ""}, RETENTION, EXPIRED),
        ({DIGEST: "operator"}, None, ERASED),
        ({DIGEST: ""}, None, ERASED),
    ],
)
def test_the_cause_of_the_erasure_is_recorded_again(causes: Mapping[Sha256, str], marker: str | None, why: str) -> None:
    results, bucket = SqlStore("sqlite://"), MemoryStore()
    results.migrate()
    apply(results, record(CASE, "1", 1))
    if marker:
        ErasedCases(bucket).add(CASE, "r", marker)
    again = EraseAgain(causes)
    again.mark(bucket)
    assert ErasedCases(bucket).cause(CASE) == (marker or causes[DIGEST])
    assert again.in_results(results, bucket) == 1
    assert results.audited(DIGEST)[-1].entry.why == why
