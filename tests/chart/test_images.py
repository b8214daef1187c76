"""What images install is what uv.lock says; building them needs a builder and is tested with a cluster."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.chart.paths import CHECKOUT
from tests.support.stack import install

_LOCKS = CHECKOUT / "docker" / "locks"
_HEAVY = {"torch", "lifelines", "scikit-learn", "pandas"}


def _packages(lock: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", lock.read_text(), re.MULTILINE))


def test_the_locks_are_those_of_uv_lock(tmp_path: Path) -> None:
    path = f"{install.uv().parent}:{os.environ['PATH']}"
    subprocess.run([CHECKOUT / "docker" / "lock", tmp_path], env={**os.environ, "PATH": path}, check=True)
    made = {lock.name: lock.read_text() for lock in tmp_path.iterdir()}
    assert made == {lock.name: lock.read_text() for lock in _LOCKS.iterdir()}, "run docker/lock"


@pytest.mark.parametrize("lock", sorted(_LOCKS.glob("*.txt")), ids=lambda lock: lock.stem)
def test_every_package_has_its_hash(lock: Path) -> None:
    text = lock.read_text().replace("\\\n", " ")
    assert all("--hash=sha256:" in line for line in text.splitlines() if "==" in line)


def test_only_the_trainer_carries_what_training_needs() -> None:
    serving = [lock for lock in _LOCKS.glob("*.txt") if lock.stem != "trainer"]
    assert {package for lock in serving for package in _packages(lock)} & _HEAVY == set()


def test_an_image_starts_the_service_of_its_name() -> None:
    for lock in _LOCKS.glob("*.txt"):
        if lock.stem != "build":
            module = CHECKOUT / "services" / lock.stem.replace("-", "_")
            assert (module / "__main__.py").is_file()
