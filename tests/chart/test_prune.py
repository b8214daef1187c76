"""What stays in an image of one service."""

import runpy
from pathlib import Path

from tests.support.checkout import CHECKOUT

_PRUNE = runpy.run_path(str(CHECKOUT / "docker" / "prune.py"))


def test_a_service_keeps_its_own_folder_and_the_data_that_it_reads(tmp_path: Path) -> None:
    for file in ("__init__.py", "trainer/cox.py", "tiler/grid.py", "standalone/up.py", "standalone/demo/a.svs"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    _PRUNE["prune"](tmp_path, {"trainer", "standalone/demo"})
    remaining = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert remaining == {"__init__.py", "trainer/cox.py", "standalone/demo/a.svs"}


def test_every_folder_of_data_is_there() -> None:
    assert all((CHECKOUT / "services" / folder).is_dir() for kept in _PRUNE["DATA"].values() for folder in kept)
