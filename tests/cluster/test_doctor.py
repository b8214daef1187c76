"""`medulla doctor` on a real site: each of its steps answers, and what was taken away is named."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mypy_boto3_s3.type_defs import NotificationConfigurationTypeDef

from tests.support.cluster.observer import Json, Observer
from tests.support.cluster.operator import paste
from tests.support.cluster.site import BUCKET, Site
from tests.support.command_line import medulla

_DELETE_TOPIC = """
import sys
from contextlib import closing
from kafka.admin import KafkaAdminClient
from shared.bus.kafka_client import connection
from shared.settings import PlatformSettings, load
with closing(KafkaAdminClient(**connection(load(PlatformSettings).kafka))) as admin:
    admin.delete_topics(sys.argv[1:])
"""
_UNREAD_TOPIC = "dead.letters"
"""No service reads it, so its absence disturbs none."""
Doctor = Callable[[], dict[str, Json]]


@pytest.fixture(scope="module")
def in_pod(site: Site, observer: Observer) -> Iterator[Doctor]:  # noqa: ARG001 - has promoted a bundle
    """The doctor in the operator's pod: findings by step."""
    yield lambda: _findings(site)
    site.namespace.attempt("delete", "job", site.medulla.object_name("operator"), "--wait")


def _findings(site: Site) -> dict[str, Json]:
    done = paste(site, "medulla doctor --json")
    findings = {each["step"]: each for each in json.loads(done.stdout)}
    assert done.returncode == ("missing" in _states(findings).values()), "exit code 1 says that something is missing"
    return findings


def _states(findings: dict[str, Json]) -> dict[str, str]:
    return {step: finding["state"] for step, finding in findings.items()}


def test_every_step_answers_in_the_operators_pod(in_pod: Doctor) -> None:
    findings = in_pod()
    assert _states(findings) == {
        "bucket": "ok",
        "kafka": "ok",
        "database": "ok",
        "issuer": "unknown",
        "signing key": "unknown",
        "events": "ok",
        "first bundle": "ok",
    }, findings


@pytest.fixture
def without_topic_and_events(site: Site, observer: Observer) -> Iterator[None]:
    """The site without one topic, and with a bucket that announces nothing."""
    announced = observer.store(lambda s3: s3.get_bucket_notification_configuration(Bucket=BUCKET))
    del announced["ResponseMetadata"]
    _announce(observer, {})
    site.namespace.exec(site.medulla.pod("results"), "python", "-c", _DELETE_TOPIC, _UNREAD_TOPIC)
    yield
    _announce(observer, announced)
    site.medulla.install()


def _announce(observer: Observer, events: NotificationConfigurationTypeDef) -> None:
    observer.store(lambda s3: s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=events))


@pytest.mark.usefixtures("without_topic_and_events")
def test_a_deleted_topic_and_a_silent_bucket_are_named(in_pod: Doctor) -> None:
    findings = in_pod()
    missing = {step: each["sentence"] for step, each in findings.items() if each["state"] == "missing"}
    assert missing == {
        "kafka": f"topics are missing: {_UNREAD_TOPIC}.",
        "events": "no event of an object below slides/ came within 30 s.",
    }


@pytest.fixture
def values(site: Site, tmp_path: Path) -> Path:
    """The release's own values, in one file."""
    path = tmp_path / "values.yaml"
    path.write_text(site.medulla.helm("get", "values", site.medulla.name, "--output", "yaml"))
    return path


def test_a_deleted_secret_is_named_from_outside(site: Site, values: Path) -> None:
    assert _of_database(site, values)[-1] == "secret site-database has url."
    site.namespace.kubectl("delete", "secret", "site-database")
    try:
        assert _of_database(site, values)[-1] == f"namespace {site.namespace.name} has no secret site-database."
    finally:
        site.make_database()


def _of_database(site: Site, values: Path) -> list[str]:
    """What the doctor says of the database by the values, and then by the cluster's secrets."""
    output = medulla("doctor", "--values", str(values), "--namespace", site.namespace.name, "--json").stdout
    return [each["sentence"] for each in json.loads(output) if each["step"] == "database"]


def test_the_probe_of_the_doctor_is_no_case_and_no_dead_letter(observer: Observer) -> None:
    assert [case for case in observer.states() if "doctor" in case] == []
    assert observer.dead_letters() == []
