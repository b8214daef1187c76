"""Cases erased from, and changed in, four running services on a versioned bucket."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from shared import keys, model_keys
from shared.blob.port import ObjectChangedError
from shared.bus import dead_letters, topics
from shared.canonical import sha256
from tests.stack.process import clean_environment
from tests.support import slides
from tests.support.checkout import CHECKOUT
from tests.support.polling import wait_for
from tests.support.system import PATIENCE_S, RealParts, System, rejected_for, running, scored_by

CANARY, TWIN = "canary-4711", "twin-4712"
SHARED = slides.cc0_bytes() + b"both"


@pytest.fixture(scope="module")
def system(real_parts: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(real_parts, tmp_path_factory.mktemp("services"), topics.S3_EVENTS) as system:
        system.s3.put_bucket_versioning(Bucket=system.bucket, VersioningConfiguration={"Status": "Enabled"})
        yield system


def test_an_erased_case_leaves_no_trace_and_late_events_bring_none_back(system: System) -> None:
    _land(system)
    late = [d.record for topic in _WAY for d in system.read(topic) if CANARY.encode() in d.record.value]
    late += [dead_letters.original(d.record) for d in system.read(topics.DEAD_LETTERS) if CANARY in d.record.key]
    assert _traces(system)
    assert system.delete(f"/api/v1/cases/{CANARY}") == 202
    assert wait_for(lambda: not _traces(system), PATIENCE_S), _traces(system)
    system.send(*late)
    system.land_record(f"{CANARY}-beside")
    system.eventually(f"{CANARY}-beside", scored_by("clinical_molecular"))
    assert wait_for(lambda: not _traces(system), PATIENCE_S), _traces(system)
    assert [slide["slide_id"] for slide in system.case(TWIN)["score"]["slides"]] == ["slide.svs"]
    assert system.get("/api/v1/audit/verify")["intact"]


def test_a_case_erased_at_work_is_gone_and_comes_back_only_when_that_is_lifted(system: System) -> None:
    _medulla(system, "erase", CANARY, "--lift")
    for number in range(6):
        system.land_slide(CANARY, slides.cc0_bytes() + f"{CANARY}{number}".encode(), f"{number}.svs")
    system.land_record(CANARY)
    system.eventually(CANARY, lambda case: bool(case.get("score") or case.get("progress")))
    _medulla(system, "erase", CANARY)
    assert wait_for(lambda: not _traces(system), PATIENCE_S), _traces(system)
    system.land_record(CANARY)
    _medulla(system, "erase", CANARY, "--lift")
    system.land_record(CANARY)
    system.eventually(CANARY, scored_by("clinical_molecular"))
    assert system.get("/api/v1/audit/verify")["intact"]


def test_work_on_a_long_slide_ends_when_the_slide_is_deleted_or_its_case_erased(system: System, tmp_path: Path) -> None:
    long = slides.enlarged(tmp_path / "long.tiff", 8, 8).read_bytes()
    deleted = system.land_slide("gone", long)
    assert wait_for(lambda: len(_parts(system, long)) >= 1, PATIENCE_S)
    system.s3.delete_object(Bucket=system.bucket, Key=deleted)
    system.eventually("gone", lambda case: case["summary"]["state"] == "CASE_STATE_WITHDRAWN")
    assert not _bags(system, long)
    own = long + CANARY.encode()
    system.land_slide(CANARY, own)
    assert wait_for(lambda: len(_parts(system, own)) >= 1, PATIENCE_S)
    _medulla(system, "erase", CANARY)
    assert wait_for(lambda: not (_traces(system) or _parts(system, own)), PATIENCE_S)
    assert not wait_for(lambda: bool(_parts(system, own) or _bags(system, own)), 15)
    _medulla(system, "erase", CANARY, "--lift")


def test_deleted_replaced_and_returned_slides_change_the_score_and_the_audit_says_why(system: System) -> None:
    first, second, third = (slides.cc0_bytes() + name for name in (b"life-1", b"life-2", b"life-3"))
    system.land_record("life")
    system.land_slide("life", first, "1.svs")
    deleted = system.land_slide("life", second, "2.svs")
    both = system.eventually("life", _made_of(first, second))
    system.s3.delete_object(Bucket=system.bucket, Key=deleted)
    system.eventually("life", _made_of(first))
    system.land_slide("life", second, "2.svs")
    assert system.eventually("life", _made_of(first, second))["score"]["score_id"] == both["score"]["score_id"]
    for data in (first, second, third):
        system.land_slide("life", data, "2.svs")
    system.eventually("life", _made_of(first, third))
    for key in (f"{keys.SLIDES}life/1.svs", deleted, f"{keys.CLINICAL}life.json"):
        system.s3.delete_object(Bucket=system.bucket, Key=key)
    case = system.eventually("life", lambda case: case["summary"]["state"] == "CASE_STATE_WITHDRAWN")
    assert "score" not in case
    assert not any(score["current"] for score in system.scores("life"))
    assert system.get("/api/v1/audit/verify")["intact"]
    why = _whys(system)
    assert any(sha256(second) in each for each in why)


_NO_CASES = (model_keys.BUNDLES, keys.ATTEMPTS)
"""What is in the bucket and of no case."""
_WAY = (topics.S3_EVENTS, topics.SLIDES_TILED, topics.SLIDES_EMBEDDED, topics.SLIDES_REJECTED, topics.CASES_SCORED)


def _land(system: System) -> None:
    """A record twice, a slide of its own, one that another case has too, and a broken one."""
    system.land_record(CANARY, age_at_diagnosis_years=3)
    system.land_record(CANARY)
    system.land_slide(CANARY, slides.cc0_bytes() + CANARY.encode(), "own.svs")
    for case in (CANARY, TWIN):
        system.land_slide(case, SHARED)
    system.land_slide(CANARY, b"no slide", "broken.svs")
    system.eventually(TWIN, scored_by("pathomics"))
    system.eventually(CANARY, rejected_for("not_a_slide"))
    system.eventually(CANARY, lambda case: len(case.get("score", {}).get("slides", ())) == 2)


def _parts(system: System, slide: bytes) -> list[str]:
    return [info.key for info in system.store.list(f"embeddings/{sha256(slide)}/") if "/part-" in info.key]


def _bags(system: System, slide: bytes) -> list[str]:
    return [info.key for info in system.store.list(f"embeddings/{sha256(slide)}/") if "/bag." in info.key]


def _traces(system: System) -> list[str]:
    """All places that name the case or hold its bytes, except topics under Kafka's retention."""
    return [*_in_bucket(system), *_in_database(system), *_in_dead_letters(system), *_on_scratch(system)]


def _in_bucket(system: System) -> Iterator[str]:
    for page in system.s3.get_paginator("list_object_versions").paginate(Bucket=system.bucket):
        for kept in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            if _is_named(kept["Key"].encode()):
                yield f"bucket {kept['Key']} {kept['VersionId']}"
    for info in system.store.list(""):
        if not info.key.startswith(_NO_CASES) and _is_named(_object(system, info.key)):
            yield f"bytes of {info.key}"


def _object(system: System, key: str) -> bytes:
    try:
        return system.store.get(key)
    except ObjectChangedError:
        return b""


def _in_database(system: System) -> Iterator[str]:
    dsn = system.surroundings.database_url.replace("+psycopg", "")
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        tables = connection.execute("select table_name from information_schema.tables where table_schema = 'public'")
        for (table,) in tables.fetchall():
            rows = connection.execute(sql.SQL("select t::text from {} t").format(sql.Identifier(table)))
            yield from (f"table {table}" for (row,) in rows if _is_named(row.encode()))


def _in_dead_letters(system: System) -> Iterator[str]:
    for delivery in system.read(topics.DEAD_LETTERS):
        record = delivery.record
        if _is_named(f"{record.key} {record.headers}".encode() + record.value):
            yield f"dead letter {record.key}"


def _on_scratch(system: System) -> Iterator[str]:
    folder = system.services["tiler"].folder / "scratch"
    files = [path for path in folder.rglob("*") if path.is_file()]
    return (f"scratch {path}" for path in files if _is_named(str(path).encode() + _bytes(path)))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _is_named(text: bytes) -> bool:
    return CANARY.encode() in text.replace(f"{CANARY}-beside".encode(), b"")


def _medulla(system: System, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.standalone", *arguments],
        cwd=CHECKOUT,
        env=clean_environment(**system.surroundings.environment),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def _made_of(*inputs: bytes) -> Callable[[dict[str, Any]], bool]:
    """A case whose current score was made from exactly these slides, with nothing left out."""
    digests = {sha256(data) for data in inputs}

    def looks_right(case: dict[str, Any]) -> bool:
        score = case.get("score", {})
        used = {slide["slide_digest"] for slide in score.get("provenance", {}).get("slides", ())}
        return used == digests and not score.get("left_out")

    return looks_right


def _whys(system: System) -> list[str]:
    """Why entries of the audit record were made."""
    dsn = system.surroundings.database_url.replace("+psycopg", "")
    with psycopg.connect(dsn, connect_timeout=5) as connection:
        return [why for (why,) in connection.execute("select why from audit where why is not null").fetchall()]
