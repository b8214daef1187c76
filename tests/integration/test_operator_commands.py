"""Operators' commands against a real Kafka: dead letters listed, shown, sent again and dropped."""

import json
from contextlib import closing
from datetime import datetime
from secrets import token_hex
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.fusion_scorer.case_index import CaseIndex
from services.standalone import running_system
from services.standalone.app import app
from shared.blob.memory import MemoryStore
from shared.bus import kafka_backlog, topics
from shared.bus.dead_letters import letter_id, to_dead_letter
from shared.bus.kafka_admin import forget, read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery, Record
from shared.errors import PoisonMessageError
from shared.rescoring import GROUP
from shared.settings import KafkaSettings
from shared.units import CaseId
from tests.support.bus import as_sent
from tests.support.object_stores import s3_settings
from tests.support.parts import KafkaPart, MinioPart

DEPENDENCY_DOWN = 3
VALUE = b"\xff operator test"


@pytest.fixture
def letter(kafka: KafkaPart, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", kafka.bootstrap)
    dead = _dead("operator-test")
    with closing(KafkaProducerAdapter(KafkaSettings(bootstrap_servers=kafka.bootstrap))) as producer:
        producer.send([dead])
    return next(row for row in _json("list") if row["id"] == letter_id(dead))


def test_list_names_id_reason_and_sentence(letter: dict[str, Any]) -> None:
    done = _letters("list", "--reason", "poison_message")
    assert done.exit_code == 0
    assert letter["id"] in done.stdout
    assert "these bytes are no event" in done.stdout
    assert _json("list", "--reason", "no_tissue") == [r for r in _json("list") if r["reason"] == "no_tissue"]


def test_show_tells_everything_about_one(letter: dict[str, Any]) -> None:
    done = _letters("show", letter["id"])
    assert done.exit_code == 0
    for words in ("poison_message", "fusion_scorer", f"{topics.CASES_RESCORE}/0/7", "operator test", "replay"):
        assert words in done.stdout


def test_replay_sends_the_original_bytes_to_the_original_topic(letter: dict[str, Any], kafka: KafkaPart) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    before = _sent(settings)
    done = _letters("replay", letter["id"])
    assert done.exit_code == 0, done.output
    assert len(_sent(settings)) == len(before) + 1
    assert as_sent(_sent(settings)[-1]).headers["ce_id"] == "one"


def test_a_replayed_letter_is_marked_and_not_replayed_again_with_its_reason(letter: dict[str, Any]) -> None:
    assert letter["replayed"] is None
    assert _letters("replay", letter["id"]).exit_code == 0
    (marked,) = (row for row in _json("list") if row["id"] == letter["id"])
    assert marked["replayed"]
    assert f"(replayed {marked['replayed']})" in _letters("list").stdout
    done = json.loads(_letters("replay", "--reason", "poison_message", "--json").stdout)
    assert letter["id"] not in done["replayed"]


def test_an_erasure_of_another_case_leaves_the_id_and_takes_the_notes_of_its_own(
    letter: dict[str, Any], kafka: KafkaPart
) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    with closing(KafkaProducerAdapter(settings)) as producer:
        producer.send([_dead("other-case")])
        (other,) = (row["id"] for row in _json("list") if row["key"] == "other-case")
        assert _letters("replay", letter["id"], other).exit_code == 0
        assert forget(settings, producer, topics.DEAD_LETTERS, lambda: lambda d: d.record.key == "other-case") == 2
    (retained,) = (row for row in _json("list") if row["id"] == letter["id"])
    assert retained["replayed"]
    assert retained["written"] == letter["written"]


@pytest.fixture
def bucket(minio: MinioPart, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket that names no erased case."""
    settings = s3_settings(minio, minio.bucket())
    for name in ("bucket", "endpoint_url", "access_key_id"):
        monkeypatch.setenv(f"MEDULLA_S3__{name.upper()}", getattr(settings, name))
    monkeypatch.setenv("MEDULLA_S3__SECRET_ACCESS_KEY", minio.secret_key)


@pytest.mark.usefixtures("bucket")
def test_drop_removes_the_named_letter_and_keeps_the_others(letter: dict[str, Any]) -> None:
    before = [row for row in _json("list") if row["id"] != letter["id"]]
    done = _letters("drop", letter["id"], "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"dropped": [letter["id"]]})
    assert {row["id"] for row in _json("list")} == {row["id"] for row in before}


@pytest.mark.usefixtures("letter")
def test_an_id_that_no_letter_has_is_a_fault_of_the_input() -> None:
    done = _letters("show", "0123456789ab")
    assert done.exit_code == 1
    assert "unknown_dead_letter" in done.stderr


def test_a_broker_that_is_down_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    done = _letters("list")
    assert done.exit_code == DEPENDENCY_DOWN
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.output


def test_rescore_of_all_says_how_many_cases_wait_and_can_be_stopped(
    kafka: KafkaPart, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, settings = MemoryStore(), KafkaSettings(bootstrap_servers=kafka.bootstrap)
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", kafka.bootstrap)
    monkeypatch.setattr(running_system, "S3Store", lambda _: store)
    for case in ("MB-1", "MB-2"):
        CaseIndex(store).note(CaseId(case))
    before = _rescore("--status")["waiting"]
    assert _rescore()["asked"] == 2
    first = _rescore("--status")
    assert (first["waiting"], first["stopped"]) == (before + 2, False)
    assert _rescore("--stop") == first | {"stopped": True}
    assert _rescore()["asked"] == 2
    second = _rescore("--status")
    assert (second["waiting"], second["stopped"]) == (before + 4, False)
    assert second["since"] > first["since"]
    backlog = kafka_backlog.unfinished_since(settings, GROUP, topics.CASES_RESCORE_BACKGROUND, _time(second))
    assert backlog == (before + 4, 2)


def _time(progress: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(progress["since"])


def _rescore(*arguments: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, ["rescore", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return dict(json.loads(done.stdout))


def _dead(key: str) -> Record:
    """A dead letter of its own: no two have the same header."""
    came = Delivery(Record(topics.CASES_RESCORE, key, VALUE, {"ce_id": "one", "test": token_hex(4)}), 0, 7)
    return to_dead_letter(came, PoisonMessageError("these bytes are no event"), "fusion_scorer")


def _letters(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["dead-letters", *arguments])


def _json(*arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(_letters(*arguments, "--json").stdout))


def _sent(settings: KafkaSettings) -> list[Record]:
    return [d.record for d in read_topic(settings, topics.CASES_RESCORE) if d.record.value == VALUE]
