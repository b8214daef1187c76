"""The chart as GitOps tools, registries and Artifact Hub take it."""

import base64
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.chart.paths import CHART, CI_VALUES
from tests.support.chart.rendering import WITH_OPERATORS, manifests, pod_specs, run, text, try_template
from tests.support.checkout import CHECKOUT

_BY_NAME = {path.stem: path for path in CI_VALUES}
_ABOUT: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text())


@pytest.mark.parametrize("name", [name for name in _BY_NAME if name != "laptop"])
def test_the_same_values_render_to_the_same_bytes(name: str) -> None:
    assert try_template("--values", _BY_NAME[name]).stdout == text(_BY_NAME[name])


def test_what_is_for_trying_out_renders_to_the_same_bytes_with_a_secret_of_ones_own() -> None:
    first, second = (
        try_template("--values", _BY_NAME["laptop"], "--set=dev.existingSecret=mine").stdout for _ in range(2)
    )
    assert "name: mine" in first
    assert first == second


def test_values_without_auto_render_to_the_same_bytes_whatever_the_cluster_knows() -> None:
    assert text(_BY_NAME["openshift"], *WITH_OPERATORS) == text(_BY_NAME["openshift"])


def test_the_package_has_the_examples_of_values_and_no_tests(tmp_path: Path) -> None:
    done = run("helm", "package", CHART, "-d", tmp_path)
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.iterdir()
    with tarfile.open(package) as archive:
        names = set(archive.getnames())
    assert {f"medulla/ci/{path.name}" for path in CI_VALUES} <= names
    assert not any(name.startswith("medulla/tests/") for name in names)


def test_artifact_hub_is_given_every_image_that_the_chart_runs() -> None:
    rendered = [manifests(_BY_NAME[name]) for name in ("gpu", "laptop", "openshift")]
    specs = [spec for objects in rendered for _, spec in pod_specs(objects)]
    containers = [each for spec in specs for each in (*spec.get("initContainers", ()), *spec["containers"])]
    named = {each["image"] for each in yaml.safe_load(_ABOUT["annotations"]["artifacthub.io/images"])}
    assert named == {container["image"] for container in containers}


def test_the_chart_has_the_icon_of_the_page_and_the_licence_of_the_project() -> None:
    icon = base64.b64decode(_ABOUT["icon"].removeprefix("data:image/svg+xml;base64,"))
    assert icon == (CHECKOUT / "services" / "results" / "page" / "favicon.svg").read_bytes()
    assert f'license = "{_ABOUT["annotations"]["artifacthub.io/license"]}"' in (CHECKOUT / "pyproject.toml").read_text()
