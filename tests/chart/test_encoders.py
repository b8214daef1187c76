"""Further encoders in the values: a Deployment, a group and a retry topic each, and plans of each grid."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack.chart_tools import KUBERNETES
from tests.support.chart.paths import CHART, CI_VALUES
from tests.support.chart.rendering import WITH_OPERATORS, manifests, run, schema_locations, text, try_template

_GPU = next(path for path in CI_VALUES if path.stem == "gpu")
_UNI = {
    "name": "uni",
    "grid": {"tile_px": 224, "tile_um": 112},
    "settings": {"EMBEDDER_ENCODER": "/encoders/uni"},
    "image": {"tag": "uni"},
    "triton": {"mode": "off"},
}


def values_with(folder: Path, **changed: Any) -> Path:
    """The values of GPUs with a further encoder."""
    values = yaml.safe_load(_GPU.read_text())
    values["embedder"]["encoders"] = [{**_UNI, **changed}]
    (folder / "values.yaml").write_text(yaml.safe_dump(values))
    return folder / "values.yaml"


def named(rendered: Path, kind: str, name: str) -> dict[str, Any]:
    objects = manifests(rendered, *WITH_OPERATORS)
    return next(each for each in objects if each["kind"] == kind and each["metadata"]["name"] == f"r-medulla-{name}")


def pod_of(folder: Path, name: str) -> dict[str, Any]:
    """Of a Deployment by the values in the folder."""
    pod: dict[str, Any] = named(folder / "values.yaml", "Deployment", name)["spec"]["template"]["spec"]
    return pod


def environment(deployment: dict[str, Any]) -> dict[str, str]:
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return {variable["name"]: variable.get("value", "") for variable in container["env"]}


def test_a_further_encoder_has_a_deployment_of_its_own_and_the_tiler_plans_its_grid(tmp_path: Path) -> None:
    rendered = values_with(tmp_path)
    first, further = (named(rendered, "Deployment", name) for name in ("embedder", "embedder-uni"))
    settings = environment(further)
    assert (settings["EMBEDDER_GROUP"], settings["EMBEDDER_ENCODER"]) == ("embedder-uni", "/encoders/uni")
    assert "EMBEDDER_GROUP" not in environment(first)
    assert {environment(each)["EMBEDDER_OTHER_GRIDS"] for each in (first, further)} == {"pass"}
    assert (
        environment(named(rendered, "Deployment", "tiler"))["TILER_FURTHER_GRIDS"] == '[{"tile_px":224,"tile_um":112}]'
    )
    assert ["initContainers" in each["spec"]["template"]["spec"] for each in (first, further)] == [True, False]
    scaled = named(rendered, "ScaledObject", "embedder-uni")["spec"]["triggers"]
    assert {each["metadata"]["consumerGroup"] for each in scaled if each["type"] == "kafka"} == {"embedder-uni"}
    assert "embedder-uni.retry" in text(rendered, *WITH_OPERATORS)


def test_a_pinned_image_is_not_that_of_a_further_encoder_with_images_of_its_own(tmp_path: Path) -> None:
    pinned = {name: f"sha256:{letter * 64}" for name, letter in (("digest", "1"), ("cpuDigest", "2"))}
    values = yaml.safe_load(values_with(tmp_path, triton={"mode": "cpu", "image": {"tag": "uni-cpu"}}).read_text())
    values["embedder"] |= {"image": {"digest": pinned["digest"]}}
    values["embedder"]["triton"] |= {"mode": "cpu", "image": pinned}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    images = {
        name: [each["image"] for kind in ("containers", "initContainers") for each in pod_of(tmp_path, name)[kind]]
        for name in ("embedder", "embedder-uni")
    }
    assert images == {
        "embedder": [f"medulla/embedder@{pinned['digest']}", f"medulla/triton@{pinned['cpuDigest']}"],
        "embedder-uni": ["medulla/embedder:uni", "medulla/triton:uni-cpu"],
    }


def test_what_a_further_encoder_adds_fits_the_schemas_of_kubernetes(tmp_path: Path) -> None:
    version = ("-kubernetes-version", KUBERNETES)
    done = run(
        "kubeconform", "-strict", *version, *schema_locations(), given=text(values_with(tmp_path), *WITH_OPERATORS)
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"name": "UNI 2"}, "/embedder/encoders/0/name"),
        ({"settings": {}}, "without settings.EMBEDDER_ENCODER"),
        ({"settings": {"EMBEDDER_ENCODER": "/e", "EMBEDDER_CONCURENCY": 2}}, "EMBEDDER_CONCURENCY"),
        ({"autoscaling": {"min": 5, "max": 2}}, "embedder-uni.autoscaling.max is 2"),
    ],
)
def test_an_encoder_that_cannot_work_is_refused_with_its_key(
    tmp_path: Path, changed: dict[str, Any], sentence: str
) -> None:
    done = try_template("--values", values_with(tmp_path, **changed))
    assert done.returncode != 0
    assert sentence in done.stderr, CHART
