"""Triton taken away from an embedder that goes on beside it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster.site import Site

_END = "import os, signal; os.kill(1, signal.SIGTERM)"


@contextmanager
def triton_away(site: Site, pod: str) -> Iterator[None]:
    """End the server in a pod of the embedder, whenever it is back, while the body runs; it is back some time after."""
    over = threading.Event()

    def end_it() -> None:
        while not over.wait(1):
            site.namespace.attempt("exec", pod, "--container", "triton", "--", "python", "-c", _END)

    thread = threading.Thread(target=end_it, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
