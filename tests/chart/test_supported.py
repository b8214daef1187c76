"""The versions that the tests run and the chart brings lie in the ranges that the chart supports."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.stack import install
from tests.stack.chart_tools import GO_TOOLS, KUBERNETES, KUBERNETES_RANGE
from tests.support.chart.paths import CHART
from tests.support.checkout import CHECKOUT

_SUPPORTED: dict[str, dict[str, str]] = yaml.safe_load((CHART / "supported.yaml").read_text())
_VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
_MIGRATIONS = CHECKOUT / "services" / "results" / "migrations" / "versions"


def _tag(part: str) -> str:
    """Version in the tag of an image of `dev`."""
    return str(_VALUES["dev"][part]["image"].partition(":")[2])


def _installed_postgres() -> str:
    done = subprocess.run([install.postgres(), "--version"], capture_output=True, text=True, check=True)
    return done.stdout.split()[2]


@pytest.mark.parametrize(
    ("part", "version"),
    [
        ("kubernetes", lambda: KUBERNETES),
        ("helm", lambda: next(each.version for each in GO_TOOLS if each.name == "helm")),
        ("kafka", lambda: install.KAFKA.rpartition("-")[2]),
        ("kafka", lambda: _tag("kafka")),
        ("postgresql", lambda: _tag("postgres")),
        ("postgresql", _installed_postgres),
    ],
)
def test_what_the_tests_run_and_the_chart_brings_is_supported(part: str, version: Callable[[], str]) -> None:
    oldest, newest, used = (_numbers(text) for text in (*_range(part), version()))
    assert oldest <= used[: len(oldest)]
    assert used[: len(newest)] <= newest


def _range(part: str) -> tuple[str, str]:
    return _SUPPORTED[part]["oldest"], _SUPPORTED[part]["newest"]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def test_manifests_are_checked_at_both_ends_of_the_range_of_kubernetes() -> None:
    assert tuple(version.removesuffix(".0") for version in KUBERNETES_RANGE) == _range("kubernetes")


def test_helm_refuses_an_older_kubernetes_than_is_supported() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert about["kubeVersion"] == f">={_SUPPORTED['kubernetes']['oldest']}.0-0"


@pytest.mark.parametrize("name", ["Kubernetes", "Helm", "Kafka", "PostgreSQL"])
def test_the_readme_names_the_supported_range(name: str) -> None:
    oldest, newest = _range(name.lower())
    versions = oldest if oldest == newest else f"{oldest} to {newest}"
    assert f"| {name} | {versions} |" in (CHART / "README.md").read_text()


def test_the_readme_names_the_newest_migration_of_an_upgrade() -> None:
    newest = max(path.name[:4] for path in _MIGRATIONS.glob("0*.py"))
    assert f"to `{newest}`: tables" in (CHART / "README.md").read_text()
