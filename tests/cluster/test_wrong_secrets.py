"""A wrong secret stops a roll-out with words where people look for them, and the pods before it go on."""

import json
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from tests.stack.home import StackError
from tests.support.cluster.kubernetes import until
from tests.support.cluster.observer import Observer
from tests.support.cluster.release import SERVICES
from tests.support.cluster.site import Site, secret

_WRONG_KEYS = {"s3AccessKeyId": "nobody", "s3SecretAccessKey": "not-the-password"}
_WRONG_URL = "postgresql://medulla:not-the-password@outside-medulla-dev-postgres:5432/site"


@pytest.fixture(autouse=True)
def _mended(site: Site) -> Iterator[None]:
    """Each test begins and ends with the right secrets."""
    site.medulla.wait_ready()
    yield
    site.medulla.install()


def test_a_missing_secret_is_named_in_an_event_and_old_pods_go_on(
    site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    site.medulla.install({"s3": {"existingSecret": "nowhere"}}, wait=False)
    until("the event", lambda: "" if 'secret "nowhere" not found' in _events(site) else "no such event", 120)
    cases = observer.land("no-secret", range(3))
    observer.wait_scored(cases)
    as_in_calm(cases)
    assert observer.dead_letters() == []


def test_wrong_keys_of_the_bucket_keep_new_pods_from_being_ready_and_lose_nothing(
    site: Site, observer: Observer, as_in_calm: Callable[[list[str]], None]
) -> None:
    before = {pod["metadata"]["name"] for pod in site.medulla.pods()}
    site.namespace.apply(secret("wrong-s3", **_WRONG_KEYS))
    site.medulla.install({"s3": {"existingSecret": "wrong-s3"}}, wait=False)
    for component in SERVICES:
        until(f"a new {component} to say what is wrong", partial(_silent, site, component, before), 180)
        assert {pod["metadata"]["name"] for pod in site.medulla.pods(component)} & before, "an old pod is there"
    cases = observer.land("wrong-keys", range(3))
    site.medulla.install()
    observer.wait_scored(cases)
    as_in_calm(cases)
    assert observer.dead_letters() == []


def _silent(site: Site, component: str, before: set[str]) -> str:
    """Why nothing is to be read yet of the new pods of a component."""
    new = [pod for pod in site.medulla.pods(component) if pod["metadata"]["name"] not in before]
    names = [pod["metadata"]["name"] for pod in new]
    statuses = [each for pod in new for each in pod["status"].get("containerStatuses", [])]
    assert not any(each["ready"] for each in statuses), f"{names} became ready with wrong keys"
    output = "".join(site.namespace.attempt("logs", name, "--container", component).stdout for name in names)
    return "" if "object store" in output else f"{names} say nothing of the object store"


def test_a_wrong_password_of_the_database_stops_the_upgrade_before_any_pod_is_touched(site: Site) -> None:
    before = {pod["metadata"]["name"] for pod in site.medulla.pods("results")}
    site.namespace.apply(secret("wrong-database", url=_WRONG_URL))
    with pytest.raises(StackError, match="pre-upgrade hooks failed"):
        site.medulla.install({"database": {"existingSecret": "wrong-database"}, "migrations": {"deadlineSeconds": 40}})
    assert {pod["metadata"]["name"] for pod in site.medulla.pods("results")} == before
    output = json.dumps([pod["status"] for pod in site.medulla.pods("migrations")])
    assert "password authentication failed" in output, "`kubectl describe` of the job's pod says why"


def _events(site: Site) -> str:
    return site.namespace.kubectl("get", "events", "--output", "wide")
