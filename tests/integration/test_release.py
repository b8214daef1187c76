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
from tests.release.registry import OPTIONAL, SBOM, images, pin, plain
from tests.stack.chart_tools import KUBERNETES, tool
from tests.stack.process import free_ports
from tests.stack.registry import Registry
from tests.support.chart.paths import CHART
from tests.support.signing import pair


@dataclass(frozen=True)
class Released:
    """A release in a folder, its public key, and the registry that it was pushed to."""

    out: Path
    key: Path
    registry: str
    digests: dict[str, str]
    """Of each image in the registry, by repository."""

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
    with pytest.raises(BadReleaseError, match=rf"^{registry}/medulla/\S+:0.1.0 is not to be had: "):
        pin(registry, folder / "medulla-0.1.0.tgz")
    needed = {image.repository for image in images()} - OPTIONAL
    digests = {repository: _push_image(registry, repository, folder) for repository in needed}
    assert main(["build", "--key", str(private), "--out", str(out), "--registry", registry]) == 0
    return Released(out, public, registry, digests)


def _push_image(registry: str, repository: str, folder: Path) -> str:
    (folder / "sbom").write_text(json.dumps({"bomFormat": "CycloneDX", "of": repository}))
    with tarfile.open(folder / "layer.tar", "w") as layer:
        layer.add(folder / "sbom", SBOM)
    reference = f"{registry}/{repository}:0.1.0"
    _run("crane", "append", "--new_layer", str(folder / "layer.tar"), "--new_tag", reference)
    return _run("crane", "digest", reference).strip()


def _run(name: str, *arguments: str) -> str:
    done = subprocess.run([tool(name), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_registrys_chart_is_rendered_with_the_digests_that_the_release_pins(released: Released) -> None:
    (pins,) = released.out.glob("*.images.yaml")
    chart = (f"oci://{released.registry}/charts/medulla", "--version", "0.1.0", *plain(released.registry))
    values = ("--values", str(CHART / "ci" / "airgapped.yaml"), "--values", str(pins))
    words = [
        word.strip('"') for word in _run("helm", "template", "r", *chart, *values, "--kube-version", KUBERNETES).split()
    ]
    run = {word.removeprefix(f"{released.registry}/") for word in words if "@sha256:" in word}
    expected = {f"{name}@{digest}" for name, digest in released.digests.items()}
    assert {each for each in run if "medulla/triton" not in each} == expected
    lists = [json.loads(file.read_bytes())["of"] for file in released.out.glob("*.image.cdx.json")]
    assert set(lists) == set(released.digests)


def test_a_release_is_signed_and_an_altered_byte_is_found(
    released: Released, capsys: pytest.CaptureFixture[str]
) -> None:
    assert released.verify() == 0
    listed = capsys.readouterr().out
    for repository, digest in released.digests.items():
        assert f"{digest.removeprefix('sha256:')}  oci://{released.registry}/{repository}\n" in listed
    (wheel,), (chart,) = released.out.glob("*.whl"), released.out.glob("*.tgz")
    lists = [json.loads((released.out / f"{file.name}.cdx.json").read_bytes()) for file in (wheel, chart)]
    assert [each["bomFormat"] for each in lists] == ["CycloneDX", "CycloneDX"]
    assert "numpy" in {component["name"] for component in lists[0]["components"]}
    named = {component["name"] for component in lists[1]["components"]}
    assert any("triton" in name for name in named)
    assert f"{released.registry}/medulla/tiler@{released.digests['medulla/tiler']}" in named
    whole = wheel.read_bytes()
    wheel.write_bytes(whole[:-1])
    assert released.verify() == 1
    assert wheel.name in capsys.readouterr().err
    wheel.write_bytes(whole)
