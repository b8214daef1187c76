"""`dev.enabled`: one `helm install` on an empty namespace, and nothing else, gives a slide its score."""

from collections.abc import Iterator

import pytest

from tests.support.cluster.kubernetes import Namespace, until
from tests.support.cluster.release import Release
from tests.support.cluster.site import LAPTOP, RESTRICTED, Site


@pytest.fixture
def empty(site: Site) -> Iterator[Namespace]:
    """A namespace beside the site's, that goes with the test."""
    namespace = Namespace(f"{site.namespace.name}-laptop")
    namespace.delete()
    namespace.create(**RESTRICTED)
    yield namespace
    namespace.delete()


def test_a_laptop_installs_everything_by_one_command_and_removes_it_by_another(empty: Namespace) -> None:
    release = Release(empty, LAPTOP)
    release.install()
    assert "scored after" in release.helm("test", release.name, "--logs")
    release.uninstall()
    until("the volumes to go", lambda: " ".join(empty.names("persistentvolumeclaims")), 120)
