"""What stays in an image of one service."""

import runpy
from pathlib import Path

import pytest

from tests.stack.services import LAUNCHER
from tests.support.checkout import CHECKOUT

_PRUNE = runpy.run_path(str(CHECKOUT / "docker" / "prune.py"))


def test_a_service_keeps_its_own_folder_and_the_data_that_it_reads(tmp_path: Path) -> None:
    for file in ("__init__.py", "trainer/cox.py", "tiler/grid.py", "standalone/up.py", "standalone/demo/a.svs"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    _PRUNE["prune"](tmp_path, {"trainer", "standalone/demo"})
    remaining = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert remaining == {"__init__.py", "trainer/cox.py", "standalone/demo/a.svs"}


@pytest.mark.parametrize(
    ("service", "shared"),
    [
        ("tiler", {"bus"}),
        ("results", {"bus", "export"}),
        ("fusion-scorer", {"bus", "model"}),
        ("standalone", {"bus", "export", "model"}),
    ],
)
def test_model_and_exports_are_in_the_images_of_their_users_alone(
    tmp_path: Path, service: str, shared: set[str]
) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for folder in ("services/tiler", "services/results", "shared/model", "shared/export", "shared/bus"):
        (packages / folder).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    _PRUNE["main"](service, tmp_path)
    assert {path.name for path in (packages / "shared").iterdir()} == shared


@pytest.mark.parametrize(
    ("service", "launcher"),
    [
        ("tiler", ["/usr/bin/env", "-S", *LAUNCHER[1:], "/opt/medulla/bin/python"]),
        ("trainer", ["/opt/medulla/bin/python"]),
    ],
)
def test_start_holds_signals_back_for_programs_that_handle_them(
    tmp_path: Path, service: str, launcher: list[str]
) -> None:
    (tmp_path / "lib" / "python3.11" / "site-packages" / "services" / service).mkdir(parents=True)
    for folder in _PRUNE["USERS"]:
        (tmp_path / "lib" / "python3.11" / "site-packages" / "shared" / folder).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    _PRUNE["main"](service, tmp_path)
    first, *_ = (tmp_path / "bin" / "start").read_text().splitlines()
    assert first == f"#!{' '.join(launcher)}"


@pytest.mark.parametrize("folder", _PRUNE["USERS"])
def test_only_the_named_services_import_what_other_images_lack(folder: str) -> None:
    services, package = CHECKOUT / "services", f"shared.{folder}"
    importers = {path.relative_to(services).parts[0] for path in services.rglob("*.py") if package in path.read_text()}
    assert importers == _PRUNE["USERS"][folder]


def test_every_folder_of_data_is_there() -> None:
    assert all((CHECKOUT / "services" / folder).is_dir() for kept in _PRUNE["DATA"].values() for folder in kept)
