"""What the chart renders to: valid for Kubernetes, sound by its customs, and no surprise."""

import difflib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.chart.paths import CHART, CI_VALUES
from tests.support.chart.rendering import (
    WITH_OPERATORS,
    Manifest,
    environment,
    manifests,
    pod_specs,
    run,
    schema_locations,
    text,
)
from tests.support.stack.chart_tools import KUBERNETES

_SNAPSHOTS = Path(__file__).parent / "snapshots"
_DELIBERATE = ("--ignore-test", "container-image-pull-policy", "--ignore-container-cpu-limit")
"""Tags are versions, so Always would only need the registry at each start; a CPU limit would throttle idle cores."""
_SINGLE = (
    *("--ignore-test", "statefulset-has-poddisruptionbudget"),
    *("--ignore-test", "container-security-context-user-group-id"),
)
"""What comes for trying out has one replica, and PostgreSQL's image its own user."""


def test_helm_finds_nothing_to_complain_about(values: Path) -> None:
    done = run("helm", "lint", "--strict", "--kube-version", KUBERNETES, "--values", values, CHART)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_object_fits_its_schema_with_and_without_operators() -> None:
    """All in one run: reading the schemas takes most of its time."""
    rendered = [text(values, *operators) for values in CI_VALUES for operators in ((), WITH_OPERATORS)]
    version = ("-kubernetes-version", KUBERNETES)
    done = run("kubeconform", "-strict", "-summary", *version, *schema_locations(), given="\n---\n".join(rendered))
    assert done.returncode == 0, done.stdout + done.stderr


def test_kube_score_finds_nothing_critical(values: Path) -> None:
    ignored = (*_DELIBERATE, *_SINGLE) if values.stem == "laptop" else _DELIBERATE
    version = f"v{KUBERNETES.rpartition('.')[0]}"
    done = run("kube-score", "score", "--kubernetes-version", version, *ignored, "-", given=text(values))
    assert done.returncode == 0, done.stdout + done.stderr


def test_what_each_file_of_values_makes_is_what_was_agreed(values: Path) -> None:
    """After a wanted change: `UPDATE_SNAPSHOTS=1 pytest tests/chart`, and read the difference."""
    agreed = _SNAPSHOTS / f"{values.stem}.txt"
    now = "\n".join(_summary(manifests(values))) + "\n"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        agreed.write_text(now)
    difference = difflib.unified_diff(agreed.read_text().splitlines(), now.splitlines(), lineterm="", n=0)
    assert "\n".join(difference) == ""


def _summary(found: Sequence[Manifest]) -> Iterator[str]:
    """A line for each object, and one for each container and its settings."""
    for each in sorted(found, key=lambda each: (each["kind"], each["metadata"]["name"])):
        yield f"{each['kind']} {each['metadata']['name']}"
        for _, spec in pod_specs([each]):
            for container in (*spec.get("initContainers", ()), *spec["containers"]):
                yield f"  {container['name']}: {container['image']} {_needs(container)}"
                yield from (f"    {name}={value}" for name, value in sorted(_settings(container).items()))


def _needs(container: Manifest) -> str:
    parts = (f"{kind} {container['resources'][kind]}" for kind in ("requests", "limits"))
    return ", ".join(parts).replace("'", "")


def _settings(container: Manifest) -> dict[str, str]:
    if "env" not in container:
        return {}
    return {name: value for name, value in environment(container).items() if name.partition("_")[0] != "MINIO"}
