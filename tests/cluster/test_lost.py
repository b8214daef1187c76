"""Database and bucket are lost, and come back by what the RUNBOOK gives to paste, with a valid audit record."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.chart.runbook import blocks
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Json, Observer
from tests.support.cluster.operator import paste
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import BUCKET, Site

_STOP, _RESTORE, _START = blocks()[3:6]
_BACKUPS = "medulla-backups"
_ON = {"backup": {"enabled": True, "to": f"s3://{_BACKUPS}/night"}}
_BACK_UP = """
kubectl -n $NS create job $R-now --from=cronjob/$R-backup >&2
kubectl -n $NS wait --for=condition=complete --timeout=300s job/$R-now >&2 && kubectl -n $NS logs job/$R-now
"""
_RESUME = """kubectl -n $NS patch cronjob $R-sweep -p '{"spec": {"suspend": false}}'"""
_JOBS = "kubectl -n $NS delete job --ignore-not-found $R-now $R-restore $R-operator sweep-restored"


@pytest.fixture
def backed_up(site: Site, observer: Observer, tmp_path: Path) -> Iterator[list[str]]:
    """Scored cases of a site that makes backups."""
    existing = {each["Name"] for each in observer.store(lambda s3: s3.list_buckets())["Buckets"]}
    if _BACKUPS not in existing:
        observer.store(lambda s3: s3.create_bucket(Bucket=_BACKUPS))
    site.medulla.install(_ON)
    cases = observer.land("lost", range(2))
    observer.wait_scored(cases)
    yield cases
    assert paste(site, f"{_RESUME} && {_JOBS}", tmp_path).returncode == 0
    site.medulla.install()


@pytest.fixture
def announced(observer: Observer) -> Iterator[Json]:
    """The events that the bucket announces, also after a test that ended them and failed."""
    events: Json = observer.store(lambda s3: s3.get_bucket_notification_configuration(Bucket=BUCKET))
    events.pop("ResponseMetadata")
    yield events
    _announce(observer, events)


def test_database_and_bucket_are_lost_and_come_back_by_the_runbook(
    site: Site, observer: Observer, backed_up: list[str], announced: Json, tmp_path: Path
) -> None:
    before = {case: observer.get(f"/cases/{case}") for case in observer.states()}
    backup = paste(site, _BACK_UP, tmp_path)
    assert backup.returncode == 0, backup.stderr
    head = json.loads(backup.stdout)["audit_head"]
    _lose(site, observer)
    site.medulla.install(_ON)
    assert observer.states() == {}
    _paste_and_stop(site, tmp_path)
    _empty(observer)
    restored = paste(site, _RESTORE, tmp_path)
    assert restored.returncode == 0, restored.stderr
    record = json.loads(restored.stdout[restored.stdout.index("{") :])["audit"]
    assert (record["intact"], record["head"]) == (True, head)
    _announce(observer, announced)
    started = paste(site, _START, tmp_path)
    assert started.returncode == 0, started.stderr
    site.medulla.wait_ready()
    assert {case: observer.get(f"/cases/{case}") for case in before} == before
    audit = observer.get("/audit/verify")
    assert (audit["intact"], audit["head"]) == (True, head)
    observer.wait_scored(observer.land("after-lost", [0]))
    assert set(backed_up) <= observer.states().keys()


def _lose(site: Site, observer: Observer) -> None:
    """Drop the database, empty the bucket and end its announcements."""
    _announce(observer, {})
    site.drop_database()
    _empty(observer)
    site.make_database()


def _announce(observer: Observer, events: Any) -> None:
    observer.store(lambda s3: s3.put_bucket_notification_configuration(Bucket=BUCKET, NotificationConfiguration=events))


def _empty(observer: Observer) -> None:
    """Remove every object."""
    pages = observer.store(lambda s3: list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)))
    names = [each["Key"] for page in pages for each in page.get("Contents", ())]
    observer.store(lambda s3: [s3.delete_object(Bucket=BUCKET, Key=name) for name in names])


def _paste_and_stop(site: Site, folder: Path) -> None:
    stopped = paste(site, _STOP, folder)
    assert stopped.returncode == 0, stopped.stderr
    until("the services to end", lambda: " ".join(_services_pods(site)), 180)


def _services_pods(site: Site) -> list[str]:
    pods = site.namespace.objects("pods", **{"app.kubernetes.io/instance": site.medulla.name})
    return [
        pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"]["app.kubernetes.io/component"] in SERVICES
    ]
