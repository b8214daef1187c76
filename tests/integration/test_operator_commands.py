"""Operators' commands against a real Kafka: dead letters listed, shown, sent again and dropped."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from services.standalone.app import app
from shared.bus import topics
from shared.bus.dead_letters import to_dead_letter
from shared.bus.kafka_admin import read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Delivery, Record
from shared.errors import PoisonMessageError
from shared.settings import KafkaSettings
from tests.support.bus import as_sent
from tests.support.parts import KafkaPart

DEPENDENCY_DOWN = 3
VALUE = b"\xff operator test"


@pytest.fixture
def letter(kafka: KafkaPart, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", kafka.bootstrap)
    came = Delivery(Record(topics.CASES_RESCORE, "operator-test", VALUE, {"ce_id": "one"}), 0, 7)
    dead = to_dead_letter(came, PoisonMessageError("these bytes are no event"), "fusion_scorer")
    producer = KafkaProducerAdapter(KafkaSettings(bootstrap_servers=kafka.bootstrap))
    producer.send([dead])
    producer.close()
    return next(row for row in reversed(_json("list")) if row["key"] == "operator-test")


def test_list_names_place_reason_and_sentence(letter: dict[str, Any]) -> None:
    done = _letters("list", "--reason", "poison_message")
    assert done.exit_code == 0
    assert letter["place"] in done.stdout
    assert "these bytes are no event" in done.stdout
    assert _json("list", "--reason", "no_tissue") == [r for r in _json("list") if r["reason"] == "no_tissue"]


def test_show_tells_everything_about_one(letter: dict[str, Any]) -> None:
    done = _letters("show", letter["place"])
    assert done.exit_code == 0
    for words in ("poison_message", "fusion_scorer", f"{topics.CASES_RESCORE}/0/7", "operator test", "replay"):
        assert words in done.stdout


def test_replay_sends_the_original_bytes_to_the_original_topic(letter: dict[str, Any], kafka: KafkaPart) -> None:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    before = _sent(settings)
    done = _letters("replay", letter["place"])
    assert done.exit_code == 0, done.output
    assert len(_sent(settings)) == len(before) + 1
    assert as_sent(_sent(settings)[-1]).headers == {"ce_id": "one"}


@pytest.mark.usefixtures("letter")
def test_drop_removes_the_named_letter_and_keeps_the_others(letter: dict[str, Any]) -> None:
    before = [row for row in _json("list") if row["place"] != letter["place"]]
    done = _letters("drop", letter["place"], "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"dropped": [letter["place"]]})
    unplaced = [sorted({**row, "place": "", "written": ""}.items()) for rows in (before, _json("list")) for row in rows]
    assert sorted(unplaced[: len(before)]) == sorted(unplaced[len(before) :])


@pytest.mark.usefixtures("letter")
def test_a_place_where_nothing_stands_is_a_fault_of_the_input() -> None:
    done = _letters("show", "0/999999")
    assert done.exit_code == 1
    assert "unknown_dead_letter" in done.stderr


def test_a_broker_that_is_down_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_KAFKA__BOOTSTRAP_SERVERS", "127.0.0.1:9")
    done = _letters("list")
    assert done.exit_code == DEPENDENCY_DOWN
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.output


def _letters(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["dead-letters", *arguments])


def _json(*arguments: str) -> list[dict[str, Any]]:
    return list(json.loads(_letters(*arguments, "--json").stdout))


def _sent(settings: KafkaSettings) -> list[Record]:
    return [d.record for d in read_topic(settings, topics.CASES_RESCORE) if d.record.value == VALUE]
