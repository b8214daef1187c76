"""Triton taken away from an embedder that goes on beside it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster.kubernetes import Object, until
from tests.support.cluster.site import Site

_TRITON = "triton"
_NOWHERE = "nowhere.invalid/triton"
_END = "import os, signal; os.kill(1, signal.SIGTERM)"
_PATIENCE_S = 360.0
"""Longer than the longest pause before a restart, after which the kubelet asks for the image."""


@contextmanager
def triton_away(site: Site, pod: str) -> Iterator[None]:
    """Leave a pod of the embedder without its server while the body runs: its image is nowhere to be had meanwhile.

    The server is back some time after.

    Raises:
        StackError: it does not end.
    """
    image = _own(site.namespace.object("pod", pod)["spec"]["initContainers"])["image"]

    def missing() -> str:
        state = _own(site.namespace.object("pod", pod)["status"]["initContainerStatuses"])["state"]
        if "running" in state:
            site.namespace.attempt("exec", pod, "--container", _TRITON, "--", "python", "-c", _END)
        reason = state.get("waiting", {}).get("reason", "")
        return "" if "Image" in reason else reason or "it has not ended"

    _set_image(site, pod, _NOWHERE)
    try:
        until("Triton to lack its image", missing, _PATIENCE_S)
        yield
    finally:
        _set_image(site, pod, image)


def _own(containers: list[Object]) -> Object:
    """What is said of Triton among the containers of a pod."""
    return next(each for each in containers if each["name"] == _TRITON)


def _set_image(site: Site, pod: str, image: str) -> None:
    site.namespace.kubectl("set", "image", f"pod/{pod}", f"{_TRITON}={image}")
