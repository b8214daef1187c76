"""What images install is what uv.lock says; building them needs a builder and is tested with a cluster."""

import ast
import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.stack import install
from tests.support.chart.locks import LOCKS, packages
from tests.support.checkout import CHECKOUT

_SERVICES = sorted(lock.stem for lock in LOCKS.glob("*.txt") if lock.stem != "build")
_HEAVY = {"torch", "lifelines", "scikit-learn", "pandas"}
_GIVEN = {"triton_python_backend_utils"}
"""Modules that are no package's: Triton gives them to the model that it runs."""

_OF_AN_EXTRA = CHECKOUT / "services/standalone/encoders"
"""`medulla encoder export`, which runs with the extra `torch` and says so where that is missing."""


def _packages(lock: Path) -> set[str]:
    return {name for name, _ in packages(lock)}


def _imported(folders: Iterable[Path]) -> set[str]:
    """First parts of the names that the program imports from outside, types alone left out."""
    names = {name.partition(".")[0] for file in _files(folders) for name in _names(ast.parse(file.read_text()))}
    return names - sys.stdlib_module_names - {"services", "shared", "medulla"}


def _files(folders: Iterable[Path]) -> list[Path]:
    files = (file for folder in folders for file in folder.rglob("*.py"))
    return [file for file in files if "gen" not in file.parts and not file.is_relative_to(_OF_AN_EXTRA)]


def _in_image(service: str) -> list[Path]:
    """Folders of the program in the image of a service."""
    module, prune = service.replace("-", "_"), runpy.run_path(str(CHECKOUT / "docker" / "prune.py"))
    users = prune["USERS"]
    shared = [path for path in (CHECKOUT / "shared").iterdir() if module in users.get(path.name, {module})]
    return [*filter(Path.is_dir, shared), CHECKOUT / "services" / module]


def _of_shared() -> set[str]:
    """Names that the files of `shared` itself import, which every image has."""
    names = {name for file in (CHECKOUT / "shared").glob("*.py") for name in _names(ast.parse(file.read_text()))}
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"services", "shared", "medulla"}


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    if isinstance(node, ast.ImportFrom):
        yield str(node.module)
    for inner in ast.iter_child_nodes(node):
        yield from _names(inner)


def test_the_locks_are_those_of_uv_lock(tmp_path: Path) -> None:
    path = f"{install.uv().parent}:{os.environ['PATH']}"
    subprocess.run([LOCKS / "generate", tmp_path], env={**os.environ, "PATH": path}, check=True)
    exported = {lock.name: lock.read_text() for lock in tmp_path.iterdir()}
    assert exported == {lock.name: lock.read_text() for lock in LOCKS.glob("*.txt")}, "run docker/locks/generate"


@pytest.mark.parametrize("lock", sorted(LOCKS.glob("*.txt")), ids=lambda lock: lock.stem)
def test_every_package_has_its_hash(lock: Path) -> None:
    text = lock.read_text().replace("\\\n", " ")
    assert all("--hash=sha256:" in line for line in text.splitlines() if "==" in line)


def test_only_the_trainer_carries_what_training_needs() -> None:
    serving = [lock for lock in LOCKS.glob("*.txt") if lock.stem != "trainer"]
    assert {package for lock in serving for package in _packages(lock)} & _HEAVY == set()


@pytest.mark.parametrize("service", _SERVICES)
def test_a_service_imports_only_what_its_lock_lists(service: str) -> None:
    held = _packages(LOCKS / f"{service}.txt")
    kept_by = packages_distributions()
    used = (_imported(_in_image(service)) | _of_shared()) - _GIVEN
    of = {name: {re.sub(r"[-_.]+", "-", each).lower() for each in kept_by.get(name, ())} for name in used}
    assert {name for name in used if not of[name] & held} == set()


@pytest.mark.parametrize("service", _SERVICES)
def test_an_image_without_the_risk_model_does_not_import_it(service: str) -> None:
    folders = _in_image(service)
    if CHECKOUT / "shared" / "model" in folders:
        return
    files = [*_files(folders), *(CHECKOUT / "shared").glob("*.py")]
    assert not [file for file in files if re.search(r"\bshared\.model\b", file.read_text())]


def test_the_sbom_lists_what_dpkg_has_installed_and_nothing_that_it_has_removed() -> None:
    sbom = runpy.run_path(str(CHECKOUT / "docker" / "sbom.py"))
    installed = sbom["packages"](
        "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nVersion: 3.0.17-1~deb12u2\n"
        "Description: libraries\n of more lines\n\n"
        "Package: perl\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 5.36.0-7\n\n"
        "Package: gcc-12-base\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:12.2.0-14\n",
        "debian",
    )
    assert [each["purl"] for each in installed] == [
        "pkg:deb/debian/libssl3@3.0.17-1~deb12u2?arch=amd64",
        "pkg:deb/debian/gcc-12-base@1%3A12.2.0-14?arch=amd64",
    ]


def test_the_sbom_lists_what_is_below_each_folder_once_and_the_release_of_nvidias_triton(tmp_path: Path) -> None:
    """As in Triton's image: packages in a folder, others in an environment, and numpy in both."""
    in_both, alone = ("numpy", "1.26.4"), ("nvidia-pytriton", "0.7.0")
    folders = {"server": (in_both, alone), "model/lib/python3.11/site-packages": (in_both,)}
    for folder, held in folders.items():
        for name, version in held:
            about = tmp_path / folder / f"{name}-{version}.dist-info"
            about.mkdir(parents=True)
            (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    command: list[str | Path] = [
        sys.executable,
        "-I",
        CHECKOUT / "docker" / "sbom.py",
        "triton",
        tmp_path / "server",
        tmp_path / "model",
    ]
    environment = {"TRITON_SERVER_VERSION": "2.69.0"}
    bill = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    purls = [each["purl"] for each in bill["components"]]
    assert len(purls) == len(set(purls))
    expected = {"github/triton-inference-server/server@v2.69.0", "pypi/numpy@1.26.4", "pypi/nvidia-pytriton@0.7.0"}
    assert {f"pkg:{each}" for each in expected} <= set(purls)


@pytest.mark.parametrize("service", _SERVICES)
def test_an_image_starts_the_service_of_its_name(service: str) -> None:
    assert (CHECKOUT / "services" / service.replace("-", "_") / "__main__.py").is_file()
