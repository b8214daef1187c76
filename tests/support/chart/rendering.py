"""Rendering the chart, and looking at what comes out."""

import functools
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.stack.chart_tools import KUBERNETES, schemas, tool
from tests.support.chart.paths import CHART

Manifest = dict[str, Any]
WITH_OPERATORS = ("--api-versions", "monitoring.coreos.com/v1", "--api-versions", "keda.sh/v1alpha1")


def run(name: str, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run one of the chart's tools."""
    return subprocess.run([tool(name), *arguments], input=given, capture_output=True, text=True, check=False)


def try_template(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Render a release `r` in namespace `medulla`; it may fail."""
    return run("helm", "template", "r", CHART, "--kube-version", KUBERNETES, "--namespace", "medulla", *arguments)


@functools.cache
def text(values: Path, *arguments: str) -> str:
    """What a file of values renders to."""
    done = try_template("--values", values, *arguments)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return done.stdout


@functools.cache
def manifests(values: Path, *arguments: str) -> Sequence[Manifest]:
    """What a file of values renders to, parsed."""
    return [each for each in yaml.load_all(text(values, *arguments), Loader=yaml.CSafeLoader) if each]


def named(objects: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The object of that kind, and of that name behind the release's."""
    (only,) = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == f"r-medulla-{name}"]
    return only


def pod_specs(objects: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Component and pod spec of everything that makes pods."""
    for each in objects:
        if template := pod_template(each):
            yield each["metadata"].get("labels", {}).get("app.kubernetes.io/component", ""), template["spec"]


def pod_template(each: Manifest) -> Manifest:
    """Metadata and spec of the pods that an object makes; empty where it makes none."""
    template: Manifest = {}
    match each["kind"]:
        case "Deployment" | "StatefulSet" | "Job":
            template = each["spec"]["template"]
        case "CronJob":
            template = each["spec"]["jobTemplate"]["spec"]["template"]
        case "Pod":
            template = each
    return template


def environment(container: Manifest) -> dict[str, str]:
    """Variables of a container that have a value in the manifest."""
    return {each["name"]: each["value"] for each in container["env"] if "value" in each}


def schema_locations() -> list[str]:
    """Arguments of kubeconform that name our schemas, and no place on the internet."""
    ours = Path(__file__).parents[2] / "chart" / "schemas" / "{{.Group}}_{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"
    return ["-schema-location", str(schemas()), "-schema-location", str(ours)]
