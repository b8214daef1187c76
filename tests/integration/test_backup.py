"""Database and bucket are lost and come back from a backup, on real PostgreSQL and S3."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.results.archiving import ArchiveScores
from services.results.case_list import Selection
from services.standalone.backup import running_system
from shared import keys, model_keys
from shared.bus.events import to_record
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.erased import ErasedCases, request
from shared.errors import TransientError
from shared.settings import KafkaSettings
from shared.units import Sha256
from tests.support import scores as samples
from tests.support.command_line import AT_FAULT, medulla, printed
from tests.support.erasures import erase
from tests.support.lossy_system import LossySystem
from tests.support.parts import KafkaPart, MinioPart, PostgresPart
from tests.support.result_stores import apply, record


@pytest.fixture
def system(
    kafka: KafkaPart, minio: MinioPart, postgres: PostgresPart, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LossySystem]:
    """Three cases, of which the first has two scores."""
    opened = LossySystem(minio, postgres, minio.bucket("lossy"), postgres.database())
    opened.name_in(monkeypatch, kafka.bootstrap)
    opened.results.migrate()
    for case in opened.cases:
        opened.score(case, "1")
    opened.score(opened.cases[0], "2")
    yield opened
    opened.results.close()


def test_both_are_lost_and_come_back_with_a_valid_audit(system: LossySystem, minio: MinioPart) -> None:
    target = f"s3://{minio.bucket('backups')}/night"
    system.blobs.put(f"{keys.ATTEMPTS}at-work.json", b"{}")
    results, later = system.results, samples.at(60) + timedelta(days=2)
    assert ArchiveScores(results.engine, results.archive, timedelta(days=1), lambda: later)().entries == 1
    before = system.listed(), system.scores(), system.objects(), system.results.verify_whole_chain()
    counted = system.results.counts(Selection())
    backup = printed("backup", "--to", target)
    assert (backup["objects"], backup["audit_head"]) == (len(before[2]), before[3].head)
    system.lose()
    restored = printed("restore", "--from", target)
    after = system.listed(), system.scores(), system.objects(), system.results.verify_whole_chain()
    assert after == before
    assert system.results.counts(Selection()) == counted
    assert restored["audit"] == {"intact": True, "entries": 4, "head": before[3].head}
    assert apply(system.results, record("MB-4", "1", 9))
    report = system.results.verify_whole_chain()
    assert (report.intact, report.entries) == (True, 5)


def test_a_case_that_was_erased_since_does_not_come_back(system: LossySystem, kafka: KafkaPart, tmp_path: Path) -> None:
    kept, in_a_backup, on_the_bus = system.cases
    first = printed("backup", "--to", tmp_path)["backup"]
    erase(system.blobs, in_a_backup)
    assert system.results.erase(in_a_backup)
    printed("backup", "--to", tmp_path)
    with closing(KafkaProducerAdapter(KafkaSettings(bootstrap_servers=kafka.bootstrap))) as producer:
        producer.send([to_record(request(on_the_bus, "operator"), "test")])
    system.lose()
    restored = printed("restore", "--from", tmp_path, "--backup", first)
    assert (restored["erased_again"], restored["audit"]["intact"]) == (2, True)
    assert [summary.case_id for summary in system.listed()] == [kept]
    assert not [key for key, _, _ in system.objects() if in_a_backup in key or on_the_bus in key]
    assert [ErasedCases(system.blobs).holds(case) for case in system.cases] == [False, True, True]


def test_what_was_not_lost_is_refused_and_a_stopped_restore_goes_on(
    system: LossySystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = printed("backup", "--to", tmp_path)
    assert "the database is not empty" in medulla("restore", "--from", tmp_path).stderr
    assert "the bucket is not empty" in medulla("restore", "--from", tmp_path, "--only", "bucket").stderr
    before = system.objects()
    system.lose()
    damaged = _part_of_a_slide(tmp_path)
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b"\x00")
    refused = medulla("restore", "--from", tmp_path)
    sentence = f"medulla: part {damaged.name[:12]} of the backup was altered [digest_mismatch]."
    assert (refused.exit_code, refused.stderr.splitlines()[-1][: len(sentence)]) == (AT_FAULT, sentence)
    assert sentence in medulla("restore", "--from", tmp_path, "--check").stderr
    damaged.write_bytes(whole)
    monkeypatch.setattr(running_system, "on_the_bus", _unreachable)
    done = medulla("restore", "--from", tmp_path)
    assert "are not known (Kafka is down): erase them again" in done.stderr
    assert done.stdout.startswith(f"restored {backup['backup']}: ")
    assert system.objects() == before


def test_no_backup_of_a_system_that_was_lost_becomes_the_newest(system: LossySystem, tmp_path: Path) -> None:
    """Such as by a CronJob in the night of the disaster, or while the operator restores."""
    kept = printed("backup", "--to", tmp_path)["backup"]
    system.lose()
    system.results.migrate()
    refused = medulla("backup", "--to", tmp_path, "--keep", "1")
    assert (refused.exit_code, f"and backup {kept} has 4" in refused.stderr) == (AT_FAULT, True)
    assert printed("restore", "--from", tmp_path, "--only", "database")["backup"] == kept
    anew = [keys.WAITING, model_keys.BUNDLE_IN_USE, *(f"{keys.OPERATIONS}{number}.json" for number in range(9))]
    for key in anew:
        system.blobs.put(key, b"{}")
    refused = medulla("backup", "--to", tmp_path)
    sentence = f"the bucket has 0 objects that services do not write anew, and backup {kept} has 10 of these"
    assert sentence in refused.stderr
    assert printed("backup", "--to", tmp_path / "other")["objects"] == len(anew)
    for key in anew:
        system.blobs.erase(key)
    assert printed("restore", "--from", tmp_path, "--only", "bucket")["audit"]["intact"]


def test_a_database_that_was_scored_again_is_no_next_backup(system: LossySystem, tmp_path: Path) -> None:
    """As many entries as before, of other scores; an entry that went into the archive is compared there."""
    for number in range(20):
        system.blobs.put(f"plans/{number}.json", b"{}")
    kept = printed("backup", "--to", tmp_path)["backup"]
    apply(system.results, record(system.cases[0], "3", 3))
    later = samples.at(60) + timedelta(days=2)
    assert ArchiveScores(system.results.engine, system.results.archive, timedelta(days=1), lambda: later)().entries == 2
    assert printed("backup", "--to", tmp_path, "--without", "plans")["backup"] > kept
    for info in list(system.blobs.list(keys.SCORES)) + list(system.blobs.list(keys.CASES)):
        system.blobs.erase(info.key)
    assert "the bucket has 4 objects that services do not" in medulla("backup", "--to", tmp_path).stderr
    system.lose()
    system.results.migrate()
    for case in reversed(system.cases):
        system.score(case, "2")
        system.score(case, "3")
    refused = medulla("backup", "--to", tmp_path)
    assert "audit entry 5 of the database is not that of backup" in refused.stderr


def test_the_database_alone_comes_back_beside_a_bucket_that_went_on(system: LossySystem, tmp_path: Path) -> None:
    first, erased, last = system.cases
    printed("backup", "--to", tmp_path)
    erase(system.blobs, erased)
    kept = system.objects()
    with system.results.engine.begin() as tx:
        tx.exec_driver_sql("drop schema public cascade")
        tx.exec_driver_sql("create schema public")
    restored = printed("restore", "--from", tmp_path, "--only", "database")
    assert (restored["erased_again"], restored["audit"]["intact"], restored["objects"]) == (1, True, 0)
    assert system.objects() == kept
    assert sorted(summary.case_id for summary in system.listed()) == [first, last]


def _unreachable(_kafka: KafkaSettings, _since: datetime) -> set[Sha256]:
    raise TransientError("Kafka is down")


def _part_of_a_slide(folder: Path) -> Path:
    return max((path for path in (folder / "parts").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
