"""Memory shared with a Triton: what happens where the server has not let go of it yet."""

import time
from typing import Any

import pytest
from tritonclient.utils import InferenceServerException

from services.embedder.manifest import read_manifest
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.embedder.triton_memory import SharedRegion


class BusyServer:
    """Knows regions by name, and refuses to unregister them a number of times."""

    def __init__(self, refusals: int) -> None:
        self.refusals = refusals
        self.regions: set[str] = set()

    def register_system_shared_memory(self, name: str, _key: str, _size: int, **_: Any) -> None:
        self.regions.add(name)

    def unregister_system_shared_memory(self, name: str, **_: Any) -> None:
        if self.refusals:
            self.refusals -= 1
            raise InferenceServerException("the region is in use")
        self.regions.discard(name)


def opened(server: BusyServer) -> SharedRegion:
    """A region that is registered with the server."""
    region = SharedRegion(server, read_manifest(DEFAULT_ENCODER), batch=1)
    region.open()
    assert len(server.regions) == 1
    return region


@pytest.mark.parametrize("refusals", [0, 1, 5])
def test_memory_that_the_server_still_holds_is_let_go_a_moment_later(refusals: int) -> None:
    server = BusyServer(refusals)
    opened(server).release(until=time.monotonic() + 30)
    assert server.regions == set()


def test_a_server_that_never_lets_go_does_not_keep_the_end_waiting() -> None:
    server = BusyServer(refusals=10**9)
    opened(server).release(until=time.monotonic())
    assert len(server.regions) == 1
