"""The rendered chart: valid for Kubernetes, in line with its conventions, equal to the snapshots."""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.chart_tools import KUBERNETES, KUBERNETES_RANGE
from tests.support.chart.paths import CHART, CI_VALUES
from tests.support.chart.rendering import WITH_OPERATORS, manifests, run, schema_locations, text
from tests.support.chart.summary import summary

_SNAPSHOTS = Path(__file__).parent / "snapshots"
_DELIBERATE = ("--ignore-test", "container-image-pull-policy", "--ignore-container-cpu-limit")
"""Tags are versions, so Always would only need the registry at each start; a CPU limit would throttle idle cores."""
_OTHER_USERS = ("--ignore-test", "container-security-context-user-group-id")
"""PostgreSQL's image, which comes for trying out, has a user of its own, and OpenShift chooses users itself."""

NIGHTLY = (
    *("--set", "archive.enabled=true", "--set", "retention.cases.afterDays=3650"),
    *("--set", "backup.enabled=true", "--set", "backup.to=s3://medulla-backups/night"),
)


def test_helm_finds_nothing_to_complain_about(values: Path) -> None:
    done = run("helm", "lint", "--strict", "--kube-version", KUBERNETES, "--values", values, CHART)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", [KUBERNETES, *KUBERNETES_RANGE])
def test_every_object_fits_its_schema_with_and_without_operators(version: str) -> None:
    """All in one run: reading the schemas takes most of its time."""
    rendered = [text(values, *operators) for values in CI_VALUES for operators in ((), WITH_OPERATORS)]
    rendered.append(text(CHART / "ci/gpu.yaml", *NIGHTLY))
    examples = [example.read_text() for example in (CHART / "examples").glob("*.yaml")]
    assert examples
    options = ("-strict", "-summary", "-kubernetes-version", version)
    done = run("kubeconform", *options, *schema_locations(), given="\n---\n".join(rendered + examples))
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_of_dask_names_the_bucket_by_every_variable_that_services_do() -> None:
    services = _bucket_variables(manifests(CHART / "ci/gpu.yaml", "--set", "s3.prefix=north"))
    workers = _bucket_variables([*yaml.safe_load_all((CHART / "examples/dask.yaml").read_text())])
    assert "MEDULLA_S3__PREFIX" in services
    assert services <= workers


def _bucket_variables(objects: Sequence[Mapping[str, Any]]) -> set[str]:
    pods = [each["spec"]["template"]["spec"] for each in objects if each["kind"] == "Deployment"]
    names = {variable["name"] for pod in pods for each in pod["containers"] for variable in each.get("env", ())}
    return {name for name in names if name.startswith("MEDULLA_S3__")}


def test_kube_score_finds_nothing_critical(values: Path) -> None:
    ignored = (*_DELIBERATE, *_OTHER_USERS) if values.stem in {"laptop", "openshift"} else _DELIBERATE
    version = f"v{KUBERNETES.rpartition('.')[0]}"
    done = run("kube-score", "score", "--kubernetes-version", version, *ignored, "-", given=text(values))
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_each_file_of_values_makes_is_what_was_agreed(values: Path) -> None:
    """After a wanted change: `UPDATE_SNAPSHOTS=1 pytest tests/chart`, and read the difference.

    Amazon's is rendered as on a cluster with operators: no other one has KEDA look at queues.
    """
    agreed = _SNAPSHOTS / f"{values.stem}.txt"
    operators = WITH_OPERATORS if values.stem == "aws-sqs" else ()
    now = "\n".join(summary(manifests(values, *operators))) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        agreed.write_text(now)
    difference = difflib.unified_diff(agreed.read_text().splitlines(), now.splitlines(), lineterm="", n=0)
    assert "\n".join(difference) == ""
