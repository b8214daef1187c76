"""`python -m tests.release build|verify --key FILE [--out DIR] [--registry HOST]`: builds a release, or checks one."""

import argparse
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import yaml

from shared.errors import MedullaError
from shared.model.signature import private_key, public_key
from tests.release.provenance import PROVENANCE, SUMS, BadReleaseError, Source, digests, signed, verify
from tests.release.registry import pin, push
from tests.stack import install
from tests.stack.chart_tools import tool
from tests.stack.home import StackError
from tests.support.chart.paths import CHART
from tests.support.chart.rendering import manifests, pod_specs
from tests.support.checkout import CHECKOUT
from tests.support.wheel import build as build_wheel

_MATERIALS = ("uv.lock", "pyproject.toml")
_ORIGIN = "urn:medulla:source"


def main(arguments: Sequence[str]) -> int:
    """Build or verify; 1 and a sentence where that is refused."""
    parser = argparse.ArgumentParser(prog="python -m tests.release")
    parser.add_argument("do", choices=("build", "verify"))
    parser.add_argument("--key", type=Path, required=True, help="ed25519 in PEM: private to build, public to verify")
    parser.add_argument("--out", type=Path, default=CHECKOUT / "out" / "release")
    parser.add_argument("--registry", default="", help="holds the images, which are pinned, and takes the chart")
    options = parser.parse_args(arguments)
    try:
        released = (
            build(options.out, options.key, options.registry)
            if options.do == "build"
            else check(options.out, options.key)
        )
    except (MedullaError, StackError, BadReleaseError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{digest}  {name}\n" for name, digest in sorted(released.items())))
    return 0


def check(folder: Path, key: Path) -> dict[str, str]:
    """SHA-256 by name of what was released.

    Raises:
        BadReleaseError: the statement or a file was altered, or a file is missing or not named.
    """
    return verify(folder, public_key(key.read_bytes()))


def build(folder: Path, key: Path, registry: str = "") -> dict[str, str]:
    """Build wheel, chart, their lists and the signed statement in `folder`, which is made anew; SHA-256 by name.

    With a registry the digests and lists of its images come into the folder, and the chart, once all is signed, into
    the registry.

    Raises:
        BadKeyError: `key` is no private ed25519 key.
        BadReleaseError: the registry lacks an image, or refuses the chart.
        StackError: helm or crane is not installed.
    """
    signing = private_key(key.read_bytes())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    wheel = build_wheel(folder)
    subprocess.run([tool("helm"), "package", CHART, "-d", folder], check=True, stdout=subprocess.DEVNULL)
    (folder / ".gitignore").unlink(missing_ok=True)
    (chart,) = folder.glob("*.tgz")
    _write_packages(folder / f"{wheel.name}.cdx.json")
    pins, images = pin(registry, chart) if registry else (None, {})
    (folder / f"{chart.name}.cdx.json").write_text(json.dumps(chart_sbom(pins), indent=1))
    sums = digests(list(folder.iterdir()))
    (folder / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    released = digests(list(folder.iterdir())) | images
    (folder / PROVENANCE).write_bytes(signed(released, _source(), signing))
    if registry:
        push(registry, chart)
    return released


def chart_sbom(pins: Path | None = None) -> dict[str, object]:
    """The images that the chart runs with a GPU, as a CycloneDX document; by digest where values pin them."""
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    more = ("--values", str(pins)) if pins else ()
    specs = [spec for _, spec in pod_specs(manifests(CHART / "ci" / "gpu.yaml", *more))]
    containers = (each for spec in specs for each in (*spec.get("initContainers", ()), *spec["containers"]))
    images = sorted({container["image"] for container in containers})
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": about["name"], "version": about["version"]}},
        "components": [{"type": "container", "bom-ref": image, "name": image} for image in images],
    }


def _write_packages(file: Path) -> None:
    """What the wheel and its extras depend on, by version, as uv.lock says."""
    command: list[str | Path] = [
        install.uv(),
        "export",
        "--frozen",
        "--quiet",
        "--no-dev",
        "--all-extras",
        "--format",
        "cyclonedx1.5",
    ]
    environment = install.uv_environment()
    subprocess.run([*command, "--output-file", file], cwd=CHECKOUT, env=environment, check=True)


def _source() -> Source:
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    materials = {name: sha256((CHECKOUT / name).read_bytes()).hexdigest() for name in _MATERIALS}
    return Source(_ORIGIN, commit.stdout.strip(), materials)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
