"""Operations on a running site while slides arrive: none is lost or fails, and no score mixes two bundles."""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.cluster import bundles
from tests.support.cluster.images import NEXT, TAG
from tests.support.cluster.kubernetes import until
from tests.support.cluster.load import load
from tests.support.cluster.observer import Json, Observer, findings
from tests.support.cluster.release import SERVICES, VALUES_OF
from tests.support.cluster.site import Site, say

_NEWER = {values: {"image": {"tag": NEXT}} for values in VALUES_OF.values()}
Check = Callable[[list[str]], None]


def _tags(site: Site) -> set[str]:
    """Tags of the services' own images, in pods that are not about to end."""
    pods = [pod for service in SERVICES for pod in site.medulla.pods(service)]
    return {str(pod["spec"]["containers"][0]["image"]).rpartition(":")[2] for pod in pods}


def _waited(observer: Observer, cases: Sequence[str]) -> None:
    waited = observer.wait_scored(cases)
    say(f"{len(cases)} of {len(cases)} scored, the slowest after {max(waited.values()):.0f} s")


@pytest.fixture
def upgrade(site: Site) -> Iterator[Callable[[], object]]:
    """Upgrades the release, which is the first version again in the end."""
    yield lambda: site.medulla.install(_NEWER)
    if _tags(site) != {TAG}:
        site.medulla.install()


def test_an_upgrade_under_load_fails_no_slide(
    site: Site, observer: Observer, as_in_calm: Check, upgrade: Callable[[], object]
) -> None:
    with load(observer, "upgrade") as coming:
        upgrade()
        assert _tags(site) == {NEXT}
    _waited(observer, coming.cases)
    as_in_calm(coming.cases)
    versions = {observer.only_score(case)["provenance"]["program_version"] for case in coming.cases}
    assert NEXT in versions
    assert versions <= {TAG, NEXT}


def test_a_rollback_under_load_fails_no_slide(
    site: Site, observer: Observer, as_in_calm: Check, upgrade: Callable[[], object]
) -> None:
    upgrade()
    with load(observer, "rollback") as coming:
        begun = time.monotonic()
        site.medulla.helm("rollback", site.medulla.name, "--wait", "--timeout", "600s")
        site.medulla.wait_ready()
        say(f"rolled back in {time.monotonic() - begun:.0f} s")
        assert _tags(site) == {TAG}
    _waited(observer, coming.cases)
    as_in_calm(coming.cases)


def test_a_drain_takes_one_pod_of_a_service_at_a_time_and_no_slide(
    site: Site, observer: Observer, as_in_calm: Check
) -> None:
    """On a cluster of one node the evicted pod waits until the node is back, so the second one must be left alone."""
    name = f"deployment/{site.medulla.object_name('tiler')}"
    site.namespace.kubectl("scale", name, "--replicas", "2")
    site.medulla.wait_ready("tiler")
    node = site.medulla.pods("tiler")[0]["spec"]["nodeName"]
    cases = observer.land("drain", range(20))
    try:
        done = _drain(site, node)
        assert "Cannot evict pod as it would violate the pod's disruption budget" in done
        assert len([pod for pod in site.medulla.pods("tiler") if pod["spec"].get("nodeName") == node]) == 1
    finally:
        site.namespace.kubectl("uncordon", node)
    _waited(observer, cases)
    as_in_calm(cases)
    site.namespace.kubectl("scale", name, "--replicas", "1")


def _drain(site: Site, node: str) -> str:
    """What kubectl says of a drain that is given less time than the second eviction needs."""
    chosen = f"app.kubernetes.io/instance={site.medulla.name},app.kubernetes.io/component=tiler"
    options = ("--pod-selector", chosen, "--delete-emptydir-data", "--ignore-daemonsets", "--timeout", "40s")
    done = site.namespace.attempt("drain", node, *options)
    return done.stdout + done.stderr


def test_another_bundle_under_load_leaves_no_score_that_mixes_the_two(
    observer: Observer, calm: dict[int, Json], tmp_path: Path
) -> None:
    first, cases_of_calm = observer.promote(), observer.land("calm", calm)
    with load(observer, "bundle") as coming:
        observer.wait_scored(observer.land("bundle-first", [0]))
        second = observer.promote(bundles.second(tmp_path / "second"))
        until("the calm cases to be scored again", lambda: _of_another(observer, second, [cases_of_calm[0]]), 300)
    _waited(observer, coming.cases)
    _wait_for(observer, second)
    says = {second: {number: findings(observer.current_score(cases_of_calm[number])) for number in calm}}
    says[first] = calm
    assert says[first][0]["risks"] != says[second][0]["risks"]
    for case in coming.cases:
        for each in observer.scores(case):
            score = each["score"]
            made_by = score["provenance"]["bundle_digest"]
            assert findings(score) == says[made_by][int(case.rpartition("-")[2])], case
    observer.promote()
    _wait_for(observer, first)


def _wait_for(observer: Observer, bundle: str) -> None:
    """Wait until every case of the site has its current score by the bundle."""
    until("every case to be scored again", lambda: _of_another(observer, bundle, list(observer.states())), 300)


def _of_another(observer: Observer, bundle: str, cases: Sequence[str]) -> str:
    """Cases whose current score was made by another bundle."""
    others = [case for case in cases if observer.current_score(case)["provenance"]["bundle_digest"] != bundle]
    return " ".join(others)


def test_deleted_and_installed_again_on_the_same_bucket_and_database_it_has_lost_nothing(
    site: Site, observer: Observer, as_in_calm: Check
) -> None:
    before = {case: observer.get(f"/cases/{case}") for case in observer.states()}
    site.medulla.uninstall()
    landed = observer.land("while-away", range(3))
    site.medulla.install()
    after = {case: observer.get(f"/cases/{case}") for case in before}
    assert after == before
    _waited(observer, landed)
    as_in_calm(landed)


def test_nothing_was_given_up(observer: Observer) -> None:
    assert observer.dead_letters() == []


@pytest.fixture(autouse=True)
def _quiet(site: Site) -> None:
    """Each test begins with every pod ready."""
    site.medulla.wait_ready()
