"""What the operators' commands print."""

import json
import logging
from datetime import UTC, datetime

import pytest

from services.standalone import dead_letter_topic, running_system, waiting_slides
from shared.waiting import WaitingList, WaitingSlide
from tests.support.command_line import AT_FAULT, medulla


def test_a_wrong_setting_is_no_dependency_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDULLA_HTTP_PORT", "none")
    done = medulla("dead-letters", "list")
    assert done.exit_code == AT_FAULT
    assert "MEDULLA_HTTP_PORT is wrong" in done.stderr


def test_a_list_of_dead_letters_opens_no_producer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dead_letter_topic, "KafkaProducerAdapter", lambda _: pytest.fail("a producer was opened"))
    monkeypatch.setattr(dead_letter_topic, "read_topic", lambda *_: [])
    done = medulla("dead-letters", "list")
    assert (done.exit_code, done.stdout) == (0, "There are no dead letters.\n")


def test_what_kafkas_client_says_of_a_closed_connection_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def sweep() -> running_system.Swept:
        logging.getLogger("kafka.cluster").error("Metadata refresh: failed %s", "Cancelled")
        logging.getLogger("shared.sweep").warning("something of ours")
        return running_system.Swept({"slides/": 2})

    monkeypatch.setattr(running_system, "sweep", sweep)
    done = medulla("sweep")
    assert "2 announced" in done.stdout
    assert "something of ours" in done.stderr
    assert "Metadata" not in done.stderr


def test_a_sweep_names_what_it_could_not_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_system, "sweep", lambda: running_system.Swept({"cases/": 0}, ["MB-1", "MB-2"]))
    done = medulla("sweep")
    assert done.exit_code == AT_FAULT
    assert "0 announced" in done.stdout
    assert "MB-1, MB-2" in done.stderr
    assert json.loads(medulla("sweep", "--json").stdout) == {"cases/": 0, "failed": ["MB-1", "MB-2"]}


def test_slides_that_wait_have_a_line_each_and_a_missing_reason_is_complained_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    noon = datetime(2026, 11, 29, 12, tzinfo=UTC)
    slide = WaitingSlide("MB-1", "A1.svs", noon, "planning", noon, "tiler, attempt 1: no answer", noon, "0af7")
    monkeypatch.setattr(waiting_slides, "listed", lambda: WaitingList(noon, [slide], "Kafka does not answer"))
    done = medulla("waiting")
    line, end = done.stdout.splitlines()
    assert line.startswith("MB-1/A1.svs ")
    assert line.endswith(
        "landed 2026-11-29T12:00:00+00:00, planning since 2026-11-29T12:00:00+00:00: tiler, attempt 1: no answer; "
        "next attempt 2026-11-29T12:00:00+00:00; trace 0af7"
    )
    assert end == "1 slide waiting at 2026-11-29T12:00:00+00:00"
    assert "Kafka does not answer" in done.stderr
    assert json.loads(medulla("waiting", "--json").stdout)["slides"][0]["stage"] == "planning"
