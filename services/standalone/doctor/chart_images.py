"""The images that a release of a values file runs, named as the chart names them."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.standalone.doctor.values_file import Values, value
from shared.program import program_version

_REPOSITORIES = {
    "tiler": "medulla/tiler",
    "embedder": "medulla/embedder",
    "fusionScorer": "medulla/fusion-scorer",
    "results": "medulla/results",
    "operator": "medulla/standalone",
}
_TRITON = "medulla/triton"
_TRAINER = "medulla/trainer"


@dataclass(frozen=True, slots=True)
class Image:
    """An image in a registry."""

    registry: str
    """Host, with its port where it has one."""
    repository: str
    reference: str
    """Tag or digest."""

    def __str__(self) -> str:
        """As an image is named to `docker pull`."""
        return f"{self.registry}/{self.repository}{'@' if ':' in self.reference else ':'}{self.reference}"


def chart_images(values: Values) -> Iterator[Image]:
    """The images of a release, where the values name a registry; those of `dev` and of further encoders excepted."""
    if not value(values, "global.imageRegistry"):
        return
    for component, repository in _REPOSITORIES.items():
        yield _image(values, f"{component}.image", repository)
    mode = value(values, "embedder.triton.mode") or "cpu"
    if mode == "gpu":
        yield _image(values, "embedder.triton.image", _TRITON)
    if mode == "cpu":
        yield _image(values, "embedder.triton.image", _TRITON, "-cpu", "cpuDigest")
    if value(values, "trainer.enabled"):
        yield _image(values, "trainer.image", _TRAINER)


def _image(values: Values, path: str, repository: str, suffix: str = "", own_digest: str = "digest") -> Image:
    host, _, folder = str(value(values, "global.imageRegistry")).rstrip("/").partition("/")
    name = value(values, f"{path}.repository") or repository
    release = value(values, "image.tag") or program_version()
    digest = value(values, f"{path}.{own_digest}") or value(values, f"{path}.digest")
    reference = digest or value(values, f"{path}.tag") or f"{release}{suffix}"
    return Image(host, f"{folder}/{name}" if folder else str(name), str(reference))
