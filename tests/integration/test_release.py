"""A release is built with its lists and a signed statement, a changed byte of it is found, and a registry serves it."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.release.__main__ import main
from tests.release.provenance import BadReleaseError
from tests.release.registry import SBOM, Image, images, pin, plain
from tests.stack.chart_tools import KUBERNETES, tool
from tests.stack.process import free_ports
from tests.stack.registry import Registry
from tests.support.chart.paths import CHART
from tests.support.signing import pair

_VERSION = "0.1.0"


@dataclass(frozen=True)
class Released:
    """A release in a folder, its public key, and the registry that it was pushed to."""

    out: Path
    key: Path
    registry: str
    digests: dict[Image, str]
    """Of each image in the registry."""

    def verify(self) -> int:
        """Exit code of the check."""
        return main(["verify", "--key", str(self.key), "--out", str(self.out)])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of an empty registry."""
    (port,) = free_ports(1)
    started = Registry(tmp_path_factory.mktemp("registry"), port)
    started.start()
    yield started.address
    started.stop()


@pytest.fixture(scope="module")
def released(registry: str, tmp_path_factory: pytest.TempPathFactory) -> Released:
    """A release of images that hold nothing but their list of packages."""
    folder = tmp_path_factory.mktemp("release")
    out, private, public = folder / "release", folder / "private.pem", folder / "public.pem"
    for path, data in zip((private, public), pair(), strict=True):
        path.write_bytes(data)
    with pytest.raises(BadReleaseError, match=rf"^{registry}/medulla/\S+:{_VERSION} is not to be had: "):
        pin(registry, folder / f"medulla-{_VERSION}.tgz")
    digests = {image: _push_image(registry, image, folder) for image in images()}
    assert main(["build", "--key", str(private), "--out", str(out), "--registry", registry]) == 0
    return Released(out, public, registry, digests)


def _push_image(registry: str, image: Image, folder: Path) -> str:
    reference = image.reference(registry, _VERSION)
    (folder / "sbom").write_text(json.dumps({"bomFormat": "CycloneDX", "of": reference}))
    with tarfile.open(folder / "layer.tar", "w") as layer:
        layer.add(folder / "sbom", SBOM)
    _run("crane", "append", "--new_layer", str(folder / "layer.tar"), "--new_tag", reference)
    return _run("crane", "digest", reference).strip()


def _run(name: str, *arguments: str) -> str:
    done = subprocess.run([tool(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("mode", "unused"), [("cpu", ""), ("gpu", "-cpu")], ids=["cpu", "gpu"])
def test_a_registrys_chart_is_rendered_with_the_digests_that_the_release_pins(
    released: Released, mode: str, unused: str
) -> None:
    (pins,) = released.out.glob("*.images.yaml")
    chart = (f"oci://{released.registry}/charts/medulla", "--version", _VERSION, *plain(released.registry))
    trainer = ("--set", "trainer.enabled=true,trainer.existingClaim=cohort")
    values = ("--values", str(CHART / "ci" / "airgapped.yaml"), "--values", str(pins), *trainer)
    rendered = _run(
        "helm", "template", "r", *chart, *values, "--set", f"embedder.triton.mode={mode}", "--kube-version", KUBERNETES
    )
    words = {word.strip('"') for word in rendered.split() if released.registry in word}
    assert words == {
        f"{released.registry}/{image.repository}@{digest}"
        for image, digest in released.digests.items()
        if (image.repository, image.suffix) != ("medulla/triton", unused)
    }


def test_each_image_is_released_with_the_list_of_its_packages(released: Released) -> None:
    lists = [json.loads(file.read_bytes())["of"] for file in released.out.glob("*.image.cdx.json")]
    assert sorted(lists) == sorted(image.reference(released.registry, _VERSION) for image in released.digests)
    assert f"{released.registry}/medulla/triton:{_VERSION}-cpu" in lists


def test_a_release_is_signed_and_an_altered_byte_is_found(
    released: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    assert released.verify() == 0
    listed = capsys.readouterr().out
    for image, digest in released.digests.items():
        reference = image.reference(released.registry, _VERSION)
        assert f"{digest.removeprefix('sha256:')}  oci://{reference}\n" in listed
    (wheel,), (chart,) = released.out.glob("*.whl"), released.out.glob("*.tgz")
    lists = [json.loads((released.out / f"{file.name}.cdx.json").read_bytes()) for file in (wheel, chart)]
    assert [each["bomFormat"] for each in lists] == ["CycloneDX", "CycloneDX"]
    assert "numpy" in {component["name"] for component in lists[0]["components"]}
    named = {component["name"] for component in lists[1]["components"]}
    assert any("triton" in name for name in named)
    tiler = next(digest for image, digest in released.digests.items() if image.repository == "medulla/tiler")
    assert f"{released.registry}/medulla/tiler@{tiler}" in named
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1])
    assert released.verify() == 1
    assert wheel.name in capsys.readouterr().err
    wheel.write_bytes(whole)
