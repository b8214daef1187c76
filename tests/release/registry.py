"""A registry as part of a release: its images pinned by digest, their lists of packages, and the chart pushed."""

import subprocess
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.parse import urlsplit

import yaml

from tests.release.provenance import IMAGE, BadReleaseError
from tests.stack.chart_tools import tool
from tests.support.chart.paths import CHART

OPTIONAL = frozenset({"medulla/trainer", "medulla/triton"})
"""Images that an installation may do without."""
SBOM = "opt/medulla/sbom.cdx.json"
"""The list of packages in each image that has one."""
_SUFFIXES = {"digest": "", "cpuDigest": "-cpu"}
"""What the tag of an image ends with, by the name of the value that pins it."""
_ABSENT = ("MANIFEST_UNKNOWN", "NAME_UNKNOWN", "404 Not Found")
"""One of these is in crane's last line where a registry does not have an image, and not where it cannot be asked."""
_Tree = dict[str, "str | _Tree"]
_Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Image:
    """An image of the chart: the value that pins it, and its name in a registry."""

    digest: tuple[str, ...]
    """Path of the value."""
    repository: str
    suffix: str = ""
    """Behind the version in its tag."""

    def reference(self, registry: str, version: str) -> str:
        """What crane calls it."""
        return f"{registry}/{self.repository}:{version}{self.suffix}"


def pin(registry: str, chart: Path) -> tuple[Path, dict[str, str]]:
    """Pin the images of the chart's version: the file of values, and the SHA-256 of each image by its URL.

    The file is beside the packed chart, as are the lists of the images' packages.

    Raises:
        BadReleaseError: the registry lacks an image that every installation needs.
    """
    digests = dict(_digests(registry))
    pins = chart.with_suffix(".images.yaml")
    pins.write_text(yaml.safe_dump(_pinned(registry, digests), sort_keys=False))
    for image, digest in digests.items():
        _write_packages(f"{registry}/{image.repository}@{digest}", chart.parent / _list_of(image))
    version = _version()
    return pins, {
        f"{IMAGE}{image.reference(registry, version)}": digest.removeprefix("sha256:")
        for image, digest in digests.items()
    }


def push(registry: str, chart: Path) -> None:
    """Publish the packed chart; what is pushed can be installed, so it comes last.

    Raises:
        BadReleaseError: the registry refuses the chart.
    """
    _run("helm", "push", str(chart), f"oci://{registry}/charts", *plain(registry))


def images() -> tuple[Image, ...]:
    """Every image of the chart that can be pinned."""
    return tuple(_images((), yaml.safe_load((CHART / "values.yaml").read_text())))


def plain(registry: str) -> tuple[str, ...]:
    """Helm's option for a registry of this machine, which needs no certificate, as for docker and containerd."""
    host = urlsplit(f"//{registry}").hostname or ""
    try:
        local = ip_address(host).is_loopback
    except ValueError:
        local = host == "localhost"
    return ("--plain-http",) if local else ()


def _images(path: tuple[str, ...], values: _Values) -> Iterator[Image]:
    for name, suffix in _SUFFIXES.items():
        if values.keys() >= {"repository", name}:
            yield Image((*path, name), str(values["repository"]), suffix)
    for name, inner in values.items():
        if isinstance(inner, Mapping):
            yield from _images((*path, name), inner)


def _digests(registry: str) -> Iterator[tuple[Image, str]]:
    version = _version()
    for image in images():
        done = _try("crane", "digest", image.reference(registry, version))
        if done.returncode == 0:
            yield image, done.stdout.strip()
        elif image.repository not in OPTIONAL or not _is_absent(done.stderr):
            raise BadReleaseError(f"{image.reference(registry, version)} is not to be had: {_last_line(done.stderr)}")


def _version() -> str:
    return str(yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"])


def _is_absent(errors: str) -> bool:
    return any(words in _last_line(errors) for words in _ABSENT)


def _pinned(registry: str, digests: Mapping[Image, str]) -> _Tree:
    """Values that take every image from the registry, by its digest."""
    values: _Tree = {"global": {"imageRegistry": registry}}
    for image, digest in digests.items():
        _put(values, image.digest, digest)
    return values


def _put(values: _Tree, path: Sequence[str], text: str) -> None:
    first, *rest = path
    inner = values.setdefault(first, {}) if rest else text
    values[first] = inner
    if isinstance(inner, dict):
        _put(inner, rest, text)


def _list_of(image: Image) -> str:
    return f"{image.repository.replace('/', '-')}{image.suffix}.image.cdx.json"


def _write_packages(reference: str, file: Path) -> None:
    """The list that an image carries; no file where it has none.

    Raises:
        BadReleaseError: the image cannot be read.
    """
    command = [str(tool("crane")), "export", reference, "-"]
    content = None
    with TemporaryFile() as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as exporting:
        with suppress(tarfile.ReadError):
            content = _packages(exporting.stdout)
        if content is None:
            exporting.communicate()
            if exporting.returncode != 0:
                errors.seek(0)
                raise BadReleaseError(f"{reference} cannot be read: {_last_line(errors.read().decode())}")
        exporting.kill()
    if content is not None:
        file.write_bytes(content)


def _packages(image: IO[bytes] | None) -> bytes | None:
    """The list among the files of an image; the rest is not read."""
    with tarfile.open(fileobj=image, mode="r|") as files:
        member = next((each for each in files if each.name.lstrip("./") == SBOM), None)
        content = files.extractfile(member) if member else None
        return content.read() if content else None


def _run(name: str, *arguments: str) -> None:
    done = _try(name, *arguments)
    if done.returncode != 0:
        raise BadReleaseError(f"{name} {arguments[0]} failed: {_last_line(done.stderr)}")


def _try(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool(name), *arguments], capture_output=True, text=True, check=False, timeout=600)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no word of it"])[-1]
