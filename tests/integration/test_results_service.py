"""Results as a process of its own on real Kafka, S3 and PostgreSQL: repeats, crashes, poison, a clean start and end."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from sqlalchemy import make_url

from services.results.audit_chain import EXPIRED
from services.results.sql_store import SqlStore
from shared.bus import headers, topics
from shared.bus.events import Event, to_record
from shared.bus.kafka_admin import read_topic
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Record
from shared.canonical import sha256
from shared.settings import KafkaSettings
from shared.units import CaseId
from tests.stack.process import clean_environment, free_ports
from tests.stack.services import Ports, Service, Surroundings, four_services
from tests.support import scores as samples
from tests.support.checkout import CHECKOUT
from tests.support.parts import KafkaPart, MinioPart, PostgresPart
from tests.support.polling import wait_for
from tests.support.result_stores import apply, record

PATIENCE_S = 60
QUICK_REJOIN = {"MEDULLA_KAFKA__GROUP_INSTANCE_ID": "results-0", "MEDULLA_KAFKA__SESSION_TIMEOUT_MS": "10000"}
"""As in a cluster: a pod that comes back under its old name has its partitions at once."""


class Running:
    """The service, and the ways in and out of it."""

    def __init__(self, folder: Path, kafka: KafkaPart, minio: MinioPart, database_url: str) -> None:
        surroundings = Surroundings(
            bootstrap=kafka.bootstrap,
            s3_endpoint=minio.endpoint,
            s3_access_key=minio.access_key,
            s3_secret_key=minio.secret_key,
            bucket=minio.bucket("results"),
            database_url=database_url,
            triton_url="",
        )
        self.ports = Ports(*free_ports(8))
        self.bucket, self.s3 = surroundings.bucket, minio.client()
        plain: Service = four_services(folder, surroundings, self.ports)["results"]
        self.service = replace(plain, environment={**plain.environment, **QUICK_REJOIN})
        self.kafka = KafkaSettings(bootstrap_servers=kafka.bootstrap)
        self.store = SqlStore(database_url)
        self.producer = KafkaProducerAdapter(self.kafka)

    def send(self, *events: Event | Record) -> None:
        """Publish events as other services do."""
        self.producer.send([item if isinstance(item, Record) else to_record(item, "test") for item in events])

    def score(self, case: str, version: str, minutes: float) -> Event:
        """Store a score; the event that announces it."""
        score = samples.score(case, version)
        event = samples.scored(score, samples.at(minutes))
        self.s3.put_object(Bucket=self.bucket, Key=event.score_key, Body=samples.body(score).encode())
        return event

    def get(self, path: str) -> dict[str, Any]:
        """JSON of a REST path; empty for 404."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ports.results_http}{path}", timeout=10) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            if error.code == 404:
                return {}
            raise

    def replay(self, letter: str) -> dict[str, Any]:
        """Send a dead letter again."""
        address = f"http://127.0.0.1:{self.ports.results_http}/api/v1/dead-letters"
        request = Request(address, json.dumps({"ids": [letter]}).encode(), {"Content-Type": "application/json"})
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - a service of this test
            return dict(json.load(answer))

    def letters(self, case: str) -> list[dict[str, Any]]:
        """Dead letters of a case."""
        return [each for each in self.get("/api/v1/dead-letters")["dead_letters"] if each["key"] == case]

    def versions(self, case: str) -> list[tuple[str, bool]]:
        """Scores of a case, the current one first, by the version they were made with."""
        names = {samples.digest(f"{case}#{version}"): version for version in "123"}
        kept = self.get(f"/api/v1/cases/{case}/scores").get("scores", [])
        return [(names[item["score"]["score_id"]], item["current"]) for item in kept]

    def close(self) -> None:
        """End everything."""
        self.service.stop()
        self.store.close()
        self.producer.close()


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, kafka: KafkaPart, minio: MinioPart, postgres: PostgresPart
) -> Iterator[Running]:
    opened = Running(tmp_path_factory.mktemp("results"), kafka, minio, postgres.database())
    opened.service.start()
    yield opened
    opened.close()


def new_case() -> str:
    return f"i-{uuid.uuid4().hex[:10]}"


def test_each_event_three_times_gives_one_current_score(running: Running) -> None:
    case = new_case()
    events = [running.score(case, version, minutes) for version, minutes in (("1", 1), ("3", 3), ("2", 2))]
    running.send(*events, *reversed(events), *events)
    expected = [("3", True), ("2", False), ("1", False)]
    assert wait_for(lambda: running.versions(case) == expected, PATIENCE_S), running.versions(case)
    assert running.get("/api/v1/audit/verify")["intact"]


def test_a_refusal_and_progress_reach_the_page(running: Running) -> None:
    case = new_case()
    running.send(samples.rejected(case, "A", samples.at(1)), samples.progress(case, "B", 5, samples.at(2)))
    assert wait_for(lambda: bool(running.get(f"/api/v1/cases/{case}").get("rejections")), PATIENCE_S)
    facts = running.store.case(CaseId(case))
    assert facts is not None
    assert wait_for(lambda: bool((running.store.case(CaseId(case)) or facts).progress), PATIENCE_S)


def test_poison_and_a_forged_score_end_as_dead_letters_and_delay_nothing(running: Running) -> None:
    case = new_case()
    forged, good = running.score(case, "1", 1), running.score(case, "2", 2)
    running.s3.put_object(Bucket=running.bucket, Key=f"scores/{case}/{samples.digest(f'{case}#1')}.json", Body=b"{}")
    running.send(Record(topics.CASES_SCORED, case, b"\xff\x00 no event", {}), forged, good)
    assert wait_for(lambda: running.versions(case) == [("2", True)], PATIENCE_S)
    dead = [item.record for item in read_topic(running.kafka, topics.DEAD_LETTERS) if item.record.key == case]
    assert sorted(item.headers[headers.REASON] for item in dead) == ["digest_mismatch", "poison_message"]


def test_dead_letters_are_listed_and_replayed_over_rest(running: Running) -> None:
    case = new_case()
    running.send(Record(topics.CASES_SCORED, case, b"\xff\x00 no event", {}))
    assert wait_for(lambda: len(running.letters(case)) == 1, PATIENCE_S)
    (letter,) = running.letters(case)
    assert (letter["reason"], letter["service"]) == ("poison_message", "results")
    assert running.replay(letter["id"]) == {"replayed": [letter["id"]]}
    assert wait_for(lambda: [each["times"] for each in running.letters(case)] == [2], PATIENCE_S), running.letters(case)


def test_a_kill_at_any_point_loses_nothing_and_doubles_nothing(running: Running) -> None:
    cases = [new_case() for _ in range(30)]
    events = [running.score(case, version, float(version)) for case in cases for version in "12"]
    running.send(*events)
    assert wait_for(lambda: bool(running.versions(cases[0])), PATIENCE_S)
    running.service.kill()
    running.send(*events)
    running.service.start()
    expected = [("2", True), ("1", False)]
    assert wait_for(lambda: all(running.versions(case) == expected for case in cases), PATIENCE_S)
    assert running.store.verify_chain().intact


def test_the_service_ends_in_order_when_it_is_told_to(running: Running) -> None:
    running.service.stop()
    assert "stopped" in running.service.program.log.read_text().splitlines()[-1]
    assert "Traceback" not in running.service.program.log.read_text()
    running.service.start()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.results", *arguments]
    return subprocess.run(
        command,
        env=clean_environment(**{"MEDULLA_HTTP_PORT": "0"} | environment),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_migrate_brings_an_empty_database_up_in_which_there_is_nothing_to_archive(postgres: PostgresPart) -> None:
    url = postgres.database()
    for _ in range(2):
        assert run("migrate", RESULTS_DATABASE_URL=url).returncode == 0
    archived = run("archive", RESULTS_DATABASE_URL=url)
    assert (archived.returncode, json.loads(archived.stdout)) == (0, {"entries": 0, "files": 0, "size": 0})
    store = SqlStore(url)
    store.check()
    store.close()


def test_retain_counts_old_cases_and_has_the_services_erase_them(running: Running) -> None:
    """One case a run, the oldest: what other tests left in the database stays."""
    old = SqlStore(running.store.engine.url.render_as_string(hide_password=False), now=lambda: samples.at(1))
    apply(old, record("c-expired", "1", -1000))
    old.close()
    environment = {**running.service.environment, "RESULTS_CASES_KEPT_DAYS": "30", "RESULTS_CASES_ERASED_AT_ONCE": "1"}
    counts = json.loads(run("retain", "--dry-run", **environment).stdout)
    assert (counts["due"] >= 1, counts["requested"]) == (True, 0)
    assert running.get("/api/v1/cases/c-expired")
    done = json.loads(run("retain", **environment).stdout)
    assert (done["due"], done["requested"], done["limit_reached"]) == (1, 1, counts["due"] > 1)
    assert wait_for(lambda: not running.get("/api/v1/cases/c-expired"), PATIENCE_S)
    assert running.store.audited(sha256(b"c-expired"))[-1].entry.why == EXPIRED


@pytest.mark.parametrize(
    ("arguments", "url", "code", "sentence"),
    [
        (["migrate"], "", 1, "RESULTS_DATABASE_URL"),
        (["migrate"], "mysql://x/y", 1, "use postgresql or sqlite"),
        (["migrate"], "postgresql://u:hidden@127.0.0.1:1/x", 3, "does not answer"),
        ([], "sqlite://", 3, "run `python -m services.results migrate`"),
        (["jump"], "sqlite://", 2, "usage"),
        (["retain"], "sqlite://", 1, "RESULTS_CASES_KEPT_DAYS is not set"),
    ],
)
def test_what_keeps_it_from_starting_is_one_clear_sentence(
    arguments: list[str], url: str, code: int, sentence: str
) -> None:
    ended = run(*arguments, RESULTS_DATABASE_URL=url)
    output = ended.stdout + ended.stderr
    assert ended.returncode == code
    assert sentence in output
    assert "Traceback" not in output
    assert "hidden" not in output


def test_a_wrong_password_is_named_and_not_shown(postgres: PostgresPart) -> None:
    right = make_url(postgres.database())
    ended = run("migrate", RESULTS_DATABASE_URL=right.set(password="hidden").render_as_string(hide_password=False))
    assert ended.returncode == 3
    assert 'password authentication failed for user \\"medulla\\"' in ended.stdout + ended.stderr
    assert "hidden" not in ended.stdout + ended.stderr


def test_without_an_issuer_it_does_not_listen_to_others() -> None:
    ended = run(RESULTS_DATABASE_URL="sqlite://", RESULTS_MIGRATE_AT_START="true", RESULTS_HTTP_HOST="0.0.0.0")  # noqa: S104 - refused
    assert ended.returncode == 1
    assert "MEDULLA_AUTH__ISSUER" in ended.stdout + ended.stderr
