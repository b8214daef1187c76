"""Database and bucket are lost, and come back by what the RUNBOOK gives to paste, with a valid audit record."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
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
_ON = {"backup": {"enabled": True, "to": f"s3://{_BACKUPS}/night"}, "retention": {"cases": {"afterDays": 30}}}
_BACK_UP = """
job=backup-now-$(date +%s)
kubectl -n $NS create job $job --from=cronjob/$R-backup >&2
kubectl -n $NS wait --for=condition=complete --timeout=300s job/$job >&2 && kubectl -n $NS logs job/$job
"""
_SUSPEND = '{"spec": {"suspend": true}}'
_RESUME = """
for job in $(kubectl -n $NS get cronjobs -l app.kubernetes.io/instance=$RELEASE -o name); do
  kubectl -n $NS patch $job -p '{"spec": {"suspend": false}}'
done
"""
_CREATED = re.compile(r"^job\.batch/(\S+) created$", re.MULTILINE)


@dataclass
class Operator:
    """Pastes what the RUNBOOK gives, and removes the jobs that came of it."""

    site: Site
    folder: Path
    jobs: list[str] = field(default_factory=list)

    def paste(self, line: str) -> str:
        """What the lines printed; they have to succeed."""
        done = paste(self.site, line, self.folder)
        self.jobs += _CREATED.findall(done.stdout + done.stderr)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture
def operator(site: Site, tmp_path: Path) -> Iterator[Operator]:
    """The operator of a site that makes backups."""
    site.medulla.install(_ON)
    working = Operator(site, tmp_path)
    yield working
    working.paste(f"{_RESUME}kubectl -n $NS delete job --ignore-not-found {' '.join(working.jobs)}")
    site.medulla.install()


@pytest.fixture
def backed_up(observer: Observer, operator: Operator) -> list[str]:  # noqa: ARG001 - the release is as it says
    """Scored cases that a backup has."""
    existing = {each["Name"] for each in observer.store(lambda s3: s3.list_buckets())["Buckets"]}
    if _BACKUPS not in existing:
        observer.store(lambda s3: s3.create_bucket(Bucket=_BACKUPS))
    cases = observer.land("lost", range(2))
    observer.wait_scored(cases)
    return cases


@pytest.fixture
def announced(observer: Observer) -> Iterator[Json]:
    """The events that the bucket announces, also after a test that ended them and failed."""
    events: Json = observer.store(lambda s3: s3.get_bucket_notification_configuration(Bucket=BUCKET))
    events.pop("ResponseMetadata")
    yield events
    _announce(observer, events)


def test_database_and_bucket_are_lost_and_come_back_by_the_runbook(
    site: Site, observer: Observer, operator: Operator, backed_up: list[str], announced: Json
) -> None:
    """Cases of other tests may be scored meanwhile, so those of this one are compared."""
    before = {case: observer.get(f"/cases/{case}") for case in backed_up}
    head = json.loads(operator.paste(_BACK_UP))["audit_head"]
    _lose(site, observer)
    site.medulla.install(_ON)
    assert not before.keys() & observer.states().keys()
    site.namespace.kubectl("patch", "cronjob", site.medulla.object_name("retention"), "-p", _SUSPEND)
    operator.paste(_STOP)
    assert _suspended(site) == {"audit", "backup", "retention", "sweep"}
    until("the services to end", lambda: " ".join(_services_pods(site)), 180)
    _empty(observer)
    restored = operator.paste(_RESTORE)
    record = json.loads(restored[restored.index("{") :])["audit"]
    assert (record["intact"], record["head"]) == (True, head)
    _announce(observer, announced)
    operator.paste(_START)
    assert _suspended(site) == {"retention"}, "what was suspended before, and nothing else"
    site.medulla.wait_ready()
    assert {case: observer.get(f"/cases/{case}") for case in before} == before
    audit = observer.get("/audit/verify")
    assert audit["intact"]
    assert audit["entries"] >= record["entries"]
    observer.wait_scored(observer.land("after-lost", [0]))


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


def _suspended(site: Site) -> set[str]:
    """The release's jobs that do not run by their schedule, by component."""
    jobs = site.namespace.objects("cronjobs", **{"app.kubernetes.io/instance": site.medulla.name})
    return {job["metadata"]["labels"]["app.kubernetes.io/component"] for job in jobs if job["spec"]["suspend"]}


def _services_pods(site: Site) -> list[str]:
    pods = site.namespace.objects("pods", **{"app.kubernetes.io/instance": site.medulla.name})
    return [
        pod["metadata"]["name"] for pod in pods if pod["metadata"]["labels"]["app.kubernetes.io/component"] in SERVICES
    ]
