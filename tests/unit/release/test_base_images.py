"""Images stand on base images that cannot change unnoticed."""

import re
from pathlib import Path

import pytest
import yaml

from tests.support.chart.paths import CHART
from tests.support.checkout import CHECKOUT
from tests.support.cluster import images

DOCKERFILES = sorted((CHECKOUT / "docker").rglob("*Dockerfile"))
OWN = {"EMBEDDER", "TRITON"}
"""Arguments that name an image of ours, or one that has no default."""


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
