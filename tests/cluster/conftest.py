"""One site for all tests on a cluster, in a namespace of its own that goes away in the end."""

import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stack.home import MissingPartError
from tests.support.cluster.kubernetes import Namespace, require_cluster
from tests.support.cluster.observer import Json, Observer, findings
from tests.support.cluster.site import Site, say

_NAMESPACE = os.environ.get("MEDULLA_NAMESPACE", "medulla-e2e")
_KEPT = "MEDULLA_KEEP_NAMESPACE"
"""Set: the site stands already, and stays, for work on these tests."""
_FIRST = ("install", "images", "latency", "walls", "death", "stop", "memory", "cases")
_LAST = (
    "wrong_secrets",
    "runbook",
    "upkeep",
    "lost",
    "registry",
    "doctor",
    "production",
    "watching",
    "silence",
    "promises",
    "laptop",
)
_ORDER = (*_FIRST, "keda", "hpa", "change", "trainer", "training_in_bucket", "dask", *_LAST)
_SHUFFLED = "MEDULLA_SHUFFLE"
"""A seed: the files, and the tests of each, run in an order drawn by it, as none may depend on another."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order of the tests: first those of a running site, then those that disturb it."""
    if seed := os.environ.get(_SHUFFLED):
        random.Random(seed).shuffle(items)  # noqa: S311 - an order that can be repeated
    files = [item.path for item in items]
    items.sort(key=lambda item: files.index(item.path) if seed else _rank(item))


def _rank(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    return _ORDER.index(name) if item.path.parent == Path(__file__).parent else -1


@pytest.fixture(scope="session")
def cluster() -> None:
    """A cluster that answers; without one everything here ends with one sentence."""
    try:
        require_cluster()
    except MissingPartError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def site(cluster: None) -> Iterator[Site]:  # noqa: ARG001 - has to be there
    """The release under test and what it stands on."""
    created = Site(Namespace(_NAMESPACE))
    if os.environ.get(_KEPT):
        yield created
        return
    created.down()
    created.up()
    yield created
    say("removing the namespace")
    created.down()


@pytest.fixture(scope="session")
def observer(site: Site) -> Iterator[Observer]:
    """The site seen from outside, the demo bundle promoted."""
    opened = Observer(site)
    opened.promote()
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def calm(observer: Observer) -> dict[int, Json]:
    """Scores of slides 0 to 19 on an undisturbed site."""
    cases = observer.land("calm", range(20))
    observer.wait_scored(cases)
    return {number: findings(observer.only_score(case)) for number, case in enumerate(cases)}


@pytest.fixture
def as_in_calm(observer: Observer, calm: dict[int, Json]) -> Callable[[list[str]], None]:
    """Checks that each case has exactly one score, equal to that on an undisturbed site."""

    def check(cases: list[str]) -> None:
        for case in cases:
            assert findings(observer.only_score(case)) == calm[int(case.rpartition("-")[2])], case

    return check
