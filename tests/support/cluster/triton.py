"""Triton taken away from an embedder that goes on beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster.kubernetes import Object, until
from tests.support.cluster.site import Site

_TRITON = "triton"
_UNAVAILABLE = "unavailable.invalid/triton"
"""An image of a domain that can never be (RFC 2606)."""
_END = "import os, signal; os.kill(1, signal.SIGTERM)"
_PATIENCE_S = 360.0
"""Longer than the longest pause before a restart, after which the kubelet asks for the image."""


@contextmanager
def triton_away(site: Site, pod: str) -> Iterator[None]:
    """Leave a pod of the embedder without its server while the body runs: the server's image cannot be pulled.

    The server is back some time after.

    Raises:
        StackError: it does not end, or the kubelet does not ask for the image.
    """
    image = _own(site.namespace.object("pod", pod)["spec"]["initContainers"])["image"]

    def problem() -> str:
        if "running" in _own(site.namespace.object("pod", pod)["status"]["initContainerStatuses"])["state"]:
            site.namespace.attempt("exec", pod, "--container", _TRITON, "--", "python", "-c", _END)
            return "it was running"
        return "" if _was_asked_for(site, pod, _UNAVAILABLE) else f"{_UNAVAILABLE} was not asked for"

    try:
        _set_image(site, pod, _UNAVAILABLE)
        until("Triton to be away", problem, _PATIENCE_S)
        yield
    finally:
        _set_image(site, pod, image)


def _own(containers: list[Object]) -> Object:
    """Triton's entry among the containers of a pod."""
    return {each["name"]: each for each in containers}[_TRITON]


def _was_asked_for(site: Site, pod: str, image: str) -> bool:
    """Whether the kubelet has tried to pull the image; events say so, where an ended sidecar may not."""
    events = site.namespace.objects("events")
    return any(image in each["message"] for each in events if each["involvedObject"]["name"] == pod)


def _set_image(site: Site, pod: str, image: str) -> None:
    site.namespace.kubectl("set", "image", f"pod/{pod}", f"{_TRITON}={image}")
