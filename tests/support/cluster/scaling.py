"""KEDA and metrics-server on a cluster: its own where it has them, else ours while tests run."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import yaml

from tests.stack import scalers
from tests.stack.scalers import Scaler
from tests.support.cluster.kubernetes import Object, kubectl, until
from tests.support.cluster.site import Site, say
from tests.support.polling import wait_for

_READY_S = 300


@dataclass(frozen=True)
class Addon:
    """A part of a cluster, known by an object that is there where it is at work."""

    parts: Scaler
    sign: str
    kustomization: str
    """Folder of the one that is applied, within its manifests."""
    arguments: tuple[str, ...] = ()
    """Added to those of its manifests."""

    def missing(self) -> bool:
        """Whether the cluster has none."""
        return not kubectl("get", self.sign, "--ignore-not-found", "--output", "name")

    @contextmanager
    def running(self) -> Iterator[None]:
        """It is at work while the body runs."""
        if not self.missing():
            yield
            return
        say(f"installing {self.parts.name} into the cluster")
        objects = self._objects()
        kubectl("apply", "--server-side", "--filename", "-", stdin=yaml.safe_dump_all(objects))
        try:
            _wait(objects)
            yield
        finally:
            say(f"removing {self.parts.name}")
            kubectl("delete", "--ignore-not-found", "--filename", "-", stdin=yaml.safe_dump_all(objects))

    def _objects(self) -> list[Object]:
        text = kubectl("kustomize", str(self.parts.install() / self.parts.manifests / self.kustomization))
        return [self._with_our_image(each) for each in yaml.safe_load_all(text)]

    def _with_our_image(self, manifest: Object) -> Object:
        if manifest["kind"] == "Deployment":
            container = manifest["spec"]["template"]["spec"]["containers"][0]
            container |= {"image": self.parts.image, "imagePullPolicy": "IfNotPresent"}
            container["args"] += self.arguments
            container.setdefault("command", [f"/{self.parts.name}"])
        return manifest


def _wait(objects: list[Object]) -> None:
    """Until its Deployments run and the API server knows what they serve."""
    waited = yaml.safe_dump_all([each for each in objects if each["kind"] in {"Deployment", "APIService"}])
    limit = f"--timeout={_READY_S}s"
    kubectl("wait", "--for=condition=Available", limit, "--filename", "-", stdin=waited, timeout=_READY_S + 30)


@dataclass
class Replicas:
    """How many pods the Deployment of a component wanted, at each second of looking when that was another number."""

    site: Site
    component: str
    counts: list[tuple[float, int]] = field(default_factory=list)

    def wait_for(self, number: int, seconds: float = _READY_S) -> None:
        """Look until it is a number."""
        until(f"{number} of {self.component}", lambda: "" if self._look() == number else str(self), seconds)

    def _look(self) -> int:
        namespace, name = self.site.namespace, self.site.medulla.object_name(self.component)
        now = int(namespace.object("deployment", name)["spec"]["replicas"])
        if not self.counts or self.counts[-1][1] != now:
            self.counts.append((time.monotonic(), now))
        return now

    def stay_at(self, number: int, seconds: float) -> None:
        """Look for so long, and find no other number."""
        assert not wait_for(lambda: self._look() != number, seconds, 1.0), str(self)

    @property
    def turned_once(self) -> bool:
        """Whether the number rose to its highest and fell from there, without turning back in between."""
        numbers = [number for _, number in self.counts]
        peak = numbers.index(max(numbers))
        return numbers[: peak + 1] == sorted(numbers[: peak + 1]) and numbers[peak:] == sorted(numbers[peak:])[::-1]

    def __str__(self) -> str:
        return ", ".join(f"{number} at {at - self.counts[0][0]:.0f} s" for at, number in self.counts)


KEDA = Addon(scalers.KEDA, "crd/scaledobjects.keda.sh", "minimal")
"""Without its admission webhooks."""
METRICS_SERVER = Addon(
    scalers.METRICS_SERVER,
    "apiservice/v1beta1.metrics.k8s.io",
    "base",
    ("--kubelet-insecure-tls",),
)
"""A kubelet's certificate is often its own here."""
ADDONS = (KEDA, METRICS_SERVER)
