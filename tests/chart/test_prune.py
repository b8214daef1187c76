"""What stays in an image of one service."""

import runpy
from pathlib import Path

import pytest

from tests.support.checkout import CHECKOUT

_PRUNE = runpy.run_path(str(CHECKOUT / "docker" / "prune.py"))


def test_a_service_keeps_its_own_folder_and_the_data_that_it_reads(tmp_path: Path) -> None:
    for file in ("__init__.py", "trainer/cox.py", "tiler/grid.py", "standalone/up.py", "standalone/demo/a.svs"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    _PRUNE["prune"](tmp_path, {"trainer", "standalone/demo"})
    remaining = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert remaining == {"__init__.py", "trainer/cox.py", "standalone/demo/a.svs"}


@pytest.mark.parametrize(("service", "has_model"), [("tiler", False), ("results", False), ("fusion-scorer", True)])
def test_the_risk_model_is_in_the_images_of_its_users_alone(tmp_path: Path, service: str, has_model: bool) -> None:
    packages = tmp_path / "lib" / "python3.11" / "site-packages"
    for folder in (
        "services/tiler",
        "services/results",
        "services/fusion_scorer",
        "shared/model",
        "shared/export",
        "shared/bus",
    ):
        (packages / folder).mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    _PRUNE["main"](service, tmp_path)
    assert (packages / "shared" / "model").exists() == has_model
    assert (packages / "shared" / "export").exists() == (service == "results")
    assert (packages / "shared" / "bus").exists()


@pytest.mark.parametrize(("package", "users"), [("shared.model", "USERS_OF_THE_MODEL"), ("shared.export", "EXPORTERS")])
def test_only_the_named_services_import_what_other_images_lack(package: str, users: str) -> None:
    services = CHECKOUT / "services"
    importers = {path.relative_to(services).parts[0] for path in services.rglob("*.py") if package in path.read_text()}
    assert importers == _PRUNE[users]


def test_every_folder_of_data_is_there() -> None:
    assert all((CHECKOUT / "services" / folder).is_dir() for kept in _PRUNE["DATA"].values() for folder in kept)
