"""Spans reach a collector where one is set, and a collector that is down holds up nothing."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.otlp_collector import Collector, collecting

_PROGRAM = """
import sys
from shared.tracing import Tracing, span
tracing = Tracing("tiler", sys.argv[1])
with span("plan"):
    pass
tracing.close()
"""


@pytest.fixture
def endpoint_and_collector() -> Iterator[tuple[str, Collector]]:
    with collecting() as started:
        yield started


def _trace_to(endpoint: str) -> int:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    return subprocess.run(
        [sys.executable, "-c", _PROGRAM, endpoint], env=environment, check=False, timeout=60
    ).returncode


def test_spans_reach_the_collector_before_the_process_ends(endpoint_and_collector: tuple[str, Collector]) -> None:
    endpoint, collector = endpoint_and_collector
    assert _trace_to(endpoint) == 0
    (resource,) = collector.received.get(timeout=10).resource_spans
    assert [
        attribute.value.string_value for attribute in resource.resource.attributes if attribute.key == "service.name"
    ] == ["tiler"]
    assert [attribute.name for attribute in resource.scope_spans[0].spans] == ["plan"]


def test_a_collector_that_is_down_does_not_keep_the_process() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    assert _trace_to(f"http://127.0.0.1:{port}") == 0
