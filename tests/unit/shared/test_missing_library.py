"""What installs a missing library: in an installed wheel an extra, which the project's table of extras has."""

import re
import tomllib
from importlib.metadata import packages_distributions

import pytest

from shared import missing_library
from shared.program import DISTRIBUTION
from tests.support.checkout import CHECKOUT

_OF_STANDALONE = ("standalone", "tiler", "embedder", "fusion-scorer", "results")
_NAME = re.compile(r"[\w.-]+")


@pytest.fixture
def in_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the program is installed without its checkout."""
    monkeypatch.setattr(missing_library, "_IN_WHEEL", True)


def requirements(*extras: str) -> list[str]:
    """What extras of the project list."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    return [requirement for extra in extras for requirement in project["optional-dependencies"][extra]]


def distributions(*extras: str) -> set[str]:
    """Names of the distributions of others that extras of the project list."""
    names = {_NAME.match(requirement).group().lower() for requirement in requirements(*extras)}  # type: ignore[union-attr]
    return names - {DISTRIBUTION}


def installed_packages() -> list[tuple[str, str]]:
    """Names of distributions, each with a top-level package that it installs."""
    return [(name, package) for package, names in packages_distributions().items() for name in names]


def test_a_checkout_installs_every_library_with_one_target() -> None:
    assert missing_library.installer("torch") == missing_library.installer("typer") == "`make dev` in the project"


@pytest.mark.parametrize(("package", "extra"), [("torch.nn", "torch"), ("sklearn", "trainer"), ("typer", "standalone")])
@pytest.mark.usefixtures("in_wheel")
def test_a_wheel_names_the_extra_that_brings_a_library(package: str, extra: str) -> None:
    assert missing_library.installer(package) == f'`pip install "medulla-risk[{extra}]"`'


@pytest.mark.usefixtures("in_wheel")
def test_every_library_that_standalone_lacks_has_its_extra() -> None:
    of_standalone = distributions(*_OF_STANDALONE)
    lacking = {name: extra for extra in ("trainer", "torch") for name in distributions(extra) - of_standalone}
    assert {"torch", "scikit-learn"} <= set(lacking)
    named = {(name.lower(), missing_library.installer(package)) for name, package in installed_packages()}
    assert {(name, f'`pip install "medulla-risk[{extra}]"`') for name, extra in lacking.items()} <= named


def test_the_extra_of_torch_brings_all_that_its_commands_need() -> None:
    assert f"{DISTRIBUTION}[standalone,trainer]" in requirements("torch")
