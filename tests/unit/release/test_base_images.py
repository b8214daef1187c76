"""Images stand on base images, and install packages of Debian, that cannot change unnoticed."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.chart.paths import CHART
from tests.support.checkout import CHECKOUT
from tests.support.cluster import images

DOCKERFILES = sorted((CHECKOUT / "docker").rglob("*Dockerfile"))
OWN = {"EMBEDDER", "TRITON"}
"""Arguments that name an image of ours, or one that has no default."""
_SUITES = (
    ("debian", "bookworm"),
    ("debian", "bookworm-updates"),
    ("debian-security", "bookworm-security"),
)


def bases(dockerfile: Path) -> list[str]:
    """What the stages of a Dockerfile stand on, with the defaults of arguments; own stages and images left out."""
    text = dockerfile.read_text()
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.MULTILINE))
    names = re.findall(r"^FROM (\S+)", text, re.MULTILINE)
    arguments = (re.fullmatch(r"\$\{(\w+)\}", name) for name in names)
    pairs = [(name, match[1] if match else "") for name, match in zip(names, arguments, strict=True)]
    return [defaults.get(argument, name) for name, argument in pairs if argument not in OWN and name != "scratch"]


def test_every_base_image_has_a_digest() -> None:
    named = {base for dockerfile in DOCKERFILES for base in bases(dockerfile)}
    assert len(DOCKERFILES) >= 5
    assert [base for base in named if not re.fullmatch(r"[\w./:-]+@sha256:[0-9a-f]{64}", base)] == []
    assert len(named) == 1


def test_every_image_for_looking_around_has_a_digest() -> None:
    parts = yaml.safe_load((CHART / "values.yaml").read_text())["dev"]
    images = [part["image"] for part in parts.values() if isinstance(part, dict) and "image" in part]
    assert len(images) == 3
    assert [image for image in images if not re.fullmatch(r"[\w./:-]+@sha256:[0-9a-f]{64}", image)] == []


def test_a_builder_of_ones_own_gets_the_tag_of_the_same_image(monkeypatch: pytest.MonkeyPatch) -> None:
    dockerfile = CHECKOUT / "docker" / "Dockerfile"
    monkeypatch.delenv(images.BASE, raising=False)
    monkeypatch.setenv(images.BUILD, "build-image")
    base = images._base(dockerfile)["BASE"]
    assert bases(dockerfile)[0].startswith(f"{base}@sha256:")
    assert images._base(CHECKOUT / "docker" / "dev" / "scaler.Dockerfile") == {}
    monkeypatch.delenv(images.BUILD)
    assert images._base(dockerfile) == {}


def apt_steps(dockerfile: Path) -> str:
    """What a Dockerfile does before it installs packages of Debian; empty where it does nothing."""
    text = dockerfile.read_text()
    match = re.search(r"^ARG APT_ARCHIVE=.*?sources\.list; }$", text, re.MULTILINE | re.DOTALL)
    return match[0] if match and match.end() < text.index("apt-get update") else ""


def test_every_package_of_debian_is_of_one_day() -> None:
    steps = {apt_steps(dockerfile) for dockerfile in DOCKERFILES if "apt-get" in dockerfile.read_text()}
    assert len(steps) == 1, "each Dockerfile with apt-get has these lines before it"
    assert re.search(r"^ARG APT_SNAPSHOT=20\d{6}T\d{6}Z$", steps.pop(), re.MULTILINE)


@pytest.mark.parametrize("day", ["20261101T000000Z", ""])
def test_packages_come_from_the_snapshots_of_that_day_alone_and_without_one_from_the_image_own_source(
    tmp_path: Path, day: str
) -> None:
    own = tmp_path / "sources.list.d" / "debian.sources"
    own.parent.mkdir()
    own.touch()
    command = apt_steps(CHECKOUT / "docker" / "Dockerfile").partition("RUN ")[2].replace("/etc/apt", str(tmp_path))
    environment = {"APT_ARCHIVE": "https://s.example/archive", "APT_SNAPSHOT": day, "PATH": "/usr/bin:/bin"}
    subprocess.run(["sh", "-ec", command], env=environment, check=True)
    assert own.exists() == (day == "")
    written = tmp_path / "sources.list"
    lines = written.read_text().splitlines() if written.exists() else []
    assert [line.partition("] ")[2] for line in lines] == [
        f"https://s.example/archive/{archive}/{day} {suite} main" for archive, suite in _SUITES if day
    ]


def test_a_network_without_snapshots_builds_with_the_newest_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    dockerfile = CHECKOUT / "docker" / "Dockerfile"
    monkeypatch.delenv(images.APT_SNAPSHOT, raising=False)
    monkeypatch.delenv(images.BUILD, raising=False)
    assert images._apt_snapshot(dockerfile) == {}
    monkeypatch.setenv(images.BUILD, "build-image")
    assert images._apt_snapshot(dockerfile) == {"APT_SNAPSHOT": ""}
    monkeypatch.setenv(images.APT_SNAPSHOT, "20261101T000000Z")
    assert images._apt_snapshot(dockerfile) == {"APT_SNAPSHOT": "20261101T000000Z"}
    assert images._apt_snapshot(CHECKOUT / "docker" / "dev" / "scaler.Dockerfile") == {}
