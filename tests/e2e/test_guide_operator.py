"""What the guide gives to operators of a running system, run against one, page by page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import keys
from shared.bus import topics
from shared.bus.port import Record
from tests.support.cluster.bundles import signed
from tests.support.command_line import medulla, printed
from tests.support.guide_blocks import blocks
from tests.support.polling import wait_for
from tests.support.system import PATIENCE_S, RealParts, System, running

CASES = [f"GUIDE-{number}" for number in range(4)]
COMMANDS = [command for block in blocks() if block.mark == "needs a running system" for command in block.commands]
TODAY = datetime.now(UTC).date()


@pytest.fixture(scope="module")
def system(real_parts: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(real_parts, tmp_path_factory.mktemp("operated"), topics.S3_EVENTS) as system:
        yield system


@pytest.fixture(autouse=True)
def folder(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator's current directory: a signed bundle, and outcomes of scored cases as they come from each source."""
    monkeypatch.chdir(tmp_path)
    for name, value in system.surroundings.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("RESULTS_DATABASE_URL", system.surroundings.database_url)
    (tmp_path / "bundle.pem").write_text(signed(tmp_path / "bundle"))
    write_outcomes(tmp_path)


def write_outcomes(folder: Path) -> None:
    """`later.csv`, `notes.csv`, `Condition.ndjson` and `Patient.ndjson`, without an event."""
    (folder / "later.csv").write_text("case_id,time_days,event_code\n" + "".join(f"{case},700,0\n" for case in CASES))
    lines = [f"{case},2026-01-01T00:00:00Z,outcome,0,2," for case in CASES]
    (folder / "notes.csv").write_text("\n".join(["case_id,at,kind,event,event_years,event_date", *lines]) + "\n")
    onset = (TODAY - timedelta(days=30)).isoformat()
    dated = {"onsetDateTime": onset, "clinicalStatus": {"coding": [{"code": "active"}]}}
    _write(folder, "Condition", [{"subject": {"reference": f"Patient/{case}"}, **dated} for case in CASES])
    _write(folder, "Patient", [{"id": case} for case in CASES])


def _write(folder: Path, kind: str, resources: Sequence[Mapping[str, object]]) -> None:
    lines = [json.dumps({"resourceType": kind, **each}) + "\n" for each in resources]
    (folder / f"{kind}.ndjson").write_text("".join(lines))


def test_the_guides_commands_do_their_work_on_a_running_system(system: System) -> None:
    for case in [*CASES, "CASE"]:
        system.land_record(case)
    for case in [*CASES, "CASE"]:
        system.eventually(case, lambda shown: "score" in shown)
    system.send(Record(topics.CASES_RESCORE, "guide", b"\xff no event"))
    assert wait_for(lambda: printed("dead-letters", "list"), PATIENCE_S), "no dead letter came"
    letter = printed("dead-letters", "list")[0]["id"]
    words = {"ID": letter, "s3://medulla": f"s3://{system.bucket}", "2026-09-30": TODAY.isoformat()}
    words["s3://medulla-backups/night"] = f"s3://{system.parts.minio.bucket('backups')}/night"
    ended = [(command, medulla(*(words.get(word, word) for word in command))) for command in COMMANDS]
    assert [(command, done.output) for command, done in ended if done.exit_code] == []
    says = {command[0]: done.output for command, done in ended}
    assert "every case is scored again" in says["rescore"]
    assert "Case CASE: erased." in says["erase"]
    assert not list(system.store.list(f"{keys.CLINICAL}CASE"))
    assert [shown["promoted"] for shown in system.get("/api/v1/monitoring")["bundles"]] == [True]
