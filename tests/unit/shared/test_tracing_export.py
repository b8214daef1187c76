"""Spans reach a collector where one is set, and a collector that is down holds up nothing."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Queue

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc

_PROGRAM = """
import sys
from shared.tracing import Tracing, span
tracing = Tracing("tiler", sys.argv[1])
with span("plan"):
    pass
tracing.close()
"""


class Collector(otlp_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.received: Queue[otlp.ExportTraceServiceRequest] = Queue()

    def Export(  # noqa: N802 - the name in the proto
        self,
        request: otlp.ExportTraceServiceRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - the signature
    ) -> otlp.ExportTraceServiceResponse:
        self.received.put(request)
        return otlp.ExportTraceServiceResponse()


@pytest.fixture
def endpoint_and_collector() -> Iterator[tuple[str, Collector]]:
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(2))
    otlp_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # generated
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"http://127.0.0.1:{port}", collector
    server.stop(None).wait()


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
