"""The program's version comes from one place, since its distribution is not named as its package."""

import tomllib

from shared.program import DISTRIBUTION, program_version
from tests.support.checkout import CHECKOUT


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    assert (DISTRIBUTION, program_version()) == (project["name"], project["version"])


def test_no_other_module_asks_for_the_version_of_a_distribution() -> None:
    files = [path for folder in ("services", "shared") for path in (CHECKOUT / folder).rglob("*.py")]
    asking = [path.relative_to(CHECKOUT).as_posix() for path in files if "importlib.metadata" in path.read_text()]
    assert asking == ["shared/program.py"]
