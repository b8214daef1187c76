"""The guide's commands to install: one on an empty namespace, and nothing else, gives a slide its score."""

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.chart_tools import tool
from tests.support.chart.paths import CHART
from tests.support.checkout import CHECKOUT
from tests.support.cluster.kubernetes import Namespace, until
from tests.support.cluster.release import Release
from tests.support.cluster.site import LAPTOP, RESTRICTED, Site
from tests.support.guide_blocks import blocks

_LOOK_AROUND, _PRODUCTION = (block.statements for block in blocks() if block.mark == "needs a cluster")
_OWN_VALUES = re.compile(r"^```yaml\n(# my-values\.yaml\n.*?)^```", re.MULTILINE | re.DOTALL)
_INSTALL_S = 900


@pytest.fixture
def empty(site: Site) -> Iterator[Namespace]:
    """A namespace beside the site's, that goes with the test."""
    namespace = Namespace(f"{site.namespace.name}-laptop")
    namespace.delete()
    namespace.create(**RESTRICTED)
    yield namespace
    namespace.delete()


def _paste(statement: str, namespace: Namespace, *more: str) -> subprocess.Popen[str]:
    """A command of the guide for the namespace, with further arguments, from the checkout."""
    arguments = [namespace.name if before in {"-n", "--namespace"} else word for before, word in _pairs(statement)]
    path = os.pathsep.join([str(tool("helm").parent), os.environ["PATH"]])
    return subprocess.Popen(
        [*arguments, *more],
        cwd=CHECKOUT,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _pairs(statement: str) -> Iterator[tuple[str, str]]:
    words = shlex.split(statement)
    return zip(["", *words], words, strict=False)


def _printed(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=_INSTALL_S)
    assert process.returncode == 0, output
    return output


def test_the_guides_commands_install_everything_and_another_one_removes_it(empty: Namespace) -> None:
    install, trial, forward = _LOOK_AROUND
    _printed(_paste(install, empty, "--values", str(LAPTOP[-1])))
    assert "scored after" in _printed(_paste(trial, empty, "--logs"))
    with _paste(forward, empty) as opened:
        assert opened.stdout
        assert opened.stdout.readline().startswith("Forwarding from 127.0.0.1:")
        opened.terminate()
    Release(empty, LAPTOP).uninstall()
    until("the volumes to go", lambda: " ".join(empty.names("persistentvolumeclaims")), 120)


def test_the_guides_command_for_production_is_taken_by_the_cluster(empty: Namespace, tmp_path: Path) -> None:
    (values,) = _OWN_VALUES.findall((CHART / "README.md").read_text(encoding="utf-8"))
    (tmp_path / "my-values.yaml").write_text(values)
    (install,) = _PRODUCTION
    command = install.replace("my-values.yaml", str(tmp_path / "my-values.yaml"))
    shown = _printed(_paste(command, empty, "--dry-run=server"))
    assert "STATUS: pending-install" in shown
    assert "kind: Ingress" in shown
