"""`medulla doctor` says step by step what an installation lacks."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from services.fusion_scorer.promoted import promote
from services.standalone.doctor.cluster_secrets import check_secrets
from services.standalone.doctor.findings import Finding, State, run_checks
from services.standalone.doctor.running_parts import RunningParts
from services.standalone.doctor.values_file import Values, check_values, read_values
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.errors import TransientError
from shared.health import HealthServer
from shared.model.bundle_files import sign
from shared.settings import AuthSettings
from tests.support.chart.paths import CI_VALUES
from tests.support.command_line import AT_FAULT, medulla
from tests.support.fusion import write_bundle
from tests.support.oidc_issuer import OidcIssuer
from tests.support.signing import pair

_ALL = [*topics.ALL, *map(topics.retry_topic, ("tiler", "embedder", "fusion_scorer", "results"))]


def values(name: str) -> Values:
    return read_values(next(path for path in CI_VALUES if path.stem == name))


def parts(existing: Sequence[str] = _ALL, *, announces: bool = True, key: bytes | None = None) -> RunningParts:
    def is_announced(_: str, act: Callable[[], object]) -> bool:
        act()
        return announces

    return RunningParts(MemoryStore(), lambda: existing, is_announced, AuthSettings(), lambda: key)


def sentences(findings: Sequence[Finding], state: State) -> dict[str, str]:
    return {finding.step: finding.sentence for finding in findings if finding.state is state}


def test_a_complete_values_file_lacks_nothing() -> None:
    assert sentences(list(check_values(values("airgapped"))), State.MISSING) == {}


def test_a_release_for_looking_around_lacks_nothing_and_says_what_production_asks() -> None:
    findings = list(check_values(values("laptop")))
    assert sentences(findings, State.OK).keys() == {"bucket", "kafka", "database"}
    assert sentences(findings, State.UNKNOWN).keys() == {"registry", "issuer", "signing key", "audit key", "route"}


def test_each_decision_that_was_not_made_is_a_sentence_in_the_order_of_the_installation(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text(
        "production: true\ns3: {bucket: medulla}\nresults: {route: {host: medulla.example, kind: ingress}}\n"
    )
    done = medulla("doctor", "--values", str(path))
    assert done.exit_code == AT_FAULT
    assert [line[:21].rstrip().split(maxsplit=1) for line in done.stdout.splitlines()] == [
        *(["missing", "registry"], ["ok", "bucket"], ["missing", "kafka"], ["missing", "database"]),
        *(
            ["missing", "issuer"],
            ["missing", "signing key"],
            ["missing", "audit key"],
            ["ok", "route"],
            ["missing", "route"],
            ["missing", "route"],
        ),
    ]


@pytest.mark.parametrize(
    ("exit_code", "keys", "state", "words"),
    [
        (0, ["uri", "url", "bundle.pem", "accessKeyId", "secretAccessKey", "tls.crt"], State.OK, "has uri"),
        (0, ["url"], State.MISSING, "has no key uri"),
        (0, None, State.MISSING, "has no secret medulla-database"),
        (1, None, State.UNKNOWN, "the cluster does not answer"),
    ],
)
def test_secrets_are_looked_up_by_name_and_key(
    exit_code: int, keys: list[str] | None, state: State, words: str
) -> None:
    def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        held = "" if keys is None else json.dumps({"data": dict.fromkeys(keys, "c2VjcmV0")})
        return subprocess.CompletedProcess(list(arguments), exit_code, held, "the cluster does not answer\n")

    findings = list(check_secrets(values("airgapped"), "medulla", run))
    assert words in sentences(findings, state)["database"]
    assert "c2VjcmV0" not in str(findings)


def test_a_running_system_lacks_its_first_bundle_and_what_is_not_set_here_is_unknown() -> None:
    findings = list(run_checks(parts().checks()))
    assert sentences(findings, State.OK).keys() >= {"bucket", "kafka", "events"}
    assert sentences(findings, State.MISSING).keys() == {"first bundle"}
    assert sentences(findings, State.UNKNOWN).keys() >= {"issuer", "signing key"}


def test_a_late_event_of_an_earlier_probe_is_not_taken_for_that_of_this_one() -> None:
    put: list[str] = []

    def late(key: str, act: Callable[[], object]) -> bool:
        act()
        put.append(key)
        return key in put[:-1]

    forgetful = RunningParts(MemoryStore(), lambda: _ALL, late, AuthSettings(), lambda: None)
    assert [forgetful.events().state for _ in range(2)] == [State.MISSING] * 2


def test_a_missing_topic_and_a_silent_bucket_are_named_and_leave_no_probe() -> None:
    silent = parts([name for name in _ALL if name != "cases.erase"], announces=False)
    missing = sentences(list(run_checks(silent.checks())), State.MISSING)
    assert missing["kafka"] == "topics are missing: cases.erase."
    assert "no event" in missing["events"]
    assert list(silent.store.list("")) == []


def test_topics_of_what_is_enabled_are_looked_for_too() -> None:
    further = replace(parts([*_ALL, "results_fhir.retry"]), further_topics=("results_fhir.retry", "embedder-b.retry"))
    assert further.kafka().sentence == "topics are missing: embedder-b.retry."


def test_a_bucket_that_announces_to_a_queue_is_not_told_that_kafka_has_no_event() -> None:
    queued = replace(parts(announces=False), events_queue="https://sqs.eu-central-1.amazonaws.com/1/medulla-tiler")
    finding = queued.events()
    assert finding.state is State.UNKNOWN
    assert "medulla-tiler, which only the tiler reads" in finding.sentence
    assert list(queued.store.list("")) == []


def test_the_promoted_bundle_has_to_be_signed_by_the_scorers_key(tmp_path: Path) -> None:
    private, public = pair()
    keyed, keyless, bundle = parts(key=public), parts(), write_bundle(tmp_path / "toy")
    for each in (keyed, keyless):
        promote(each.store, bundle)
    assert "signature" in sentences(list(run_checks(keyed.checks())), State.MISSING)["first bundle"]
    assert "no key says who" in keyless.bundle().sentence
    sign(bundle, private)
    promote(keyed.store, bundle)
    assert keyed.bundle() == Finding.ok("first bundle", "toy is promoted and intact; signed by the key.")


def test_a_file_that_holds_no_key_is_named() -> None:
    findings = list(run_checks(parts(key=b"no key").checks()))
    assert "neither PEM" in sentences(findings, State.MISSING)["signing key"]


@pytest.mark.parametrize(
    ("failing", "state", "words"),
    [
        ("", State.OK, "results reports that it answers"),
        ("the database's tables are missing or old", State.MISSING, "results reports: the database's tables"),
    ],
)
def test_results_is_asked_for_its_database(
    monkeypatch: pytest.MonkeyPatch, failing: str, state: State, words: str
) -> None:
    monkeypatch.delenv("RESULTS_DATABASE_URL", raising=False)

    def database() -> bool:
        if failing:
            raise TransientError(failing)
        return True

    with HealthServer("127.0.0.1", 0, checks={"database": database, "object store": lambda: False}) as health:
        with_results = replace(parts(), results_url=f"http://127.0.0.1:{health.port}")
        assert words in sentences(list(run_checks(with_results.checks())), state)["database"]
    assert "does not answer" in sentences(list(run_checks(with_results.checks())), State.MISSING)["database"]


def test_what_answers_in_place_of_results_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RESULTS_DATABASE_URL", raising=False)
    with OidcIssuer() as another:
        with_results = replace(parts(), results_url=another.url)
        assert sentences(list(run_checks({"database": with_results.database})), State.MISSING)


def test_a_part_that_does_not_answer_keeps_no_other_from_being_checked() -> None:
    def away() -> Finding:
        raise TransientError("Kafka does not answer")

    findings = list(run_checks({"kafka": away, "bucket": parts().bucket}))
    assert [(finding.step, finding.state) for finding in findings] == [("kafka", State.MISSING), ("bucket", State.OK)]
    assert findings[0].sentence == "Kafka does not answer"


def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "values.yaml"
    path.write_text("a: [")
    done = medulla("doctor", "--values", str(path))
    assert done.exit_code == AT_FAULT
    assert "is no YAML" in done.stderr
