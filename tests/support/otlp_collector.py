"""A collector of traces for tests: what services send to it by OTLP over gRPC."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from queue import Queue

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as otlp_grpc


class Collector(otlp_grpc.TraceServiceServicer):
    """Keeps every request."""

    def __init__(self) -> None:
        self.received: Queue[otlp.ExportTraceServiceRequest] = Queue()

    def Export(  # noqa: N802 - the name in the proto
        self,
        request: otlp.ExportTraceServiceRequest,
        context: grpc.ServicerContext,  # noqa: ARG002 - the signature
    ) -> otlp.ExportTraceServiceResponse:
        """Keep a request."""
        self.received.put(request)
        return otlp.ExportTraceServiceResponse()


@contextmanager
def collecting() -> Iterator[tuple[str, Collector]]:
    """A collector that listens on loopback, and its endpoint."""
    collector, server = Collector(), grpc.server(ThreadPoolExecutor(2))
    otlp_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]  # generated
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"http://127.0.0.1:{port}", collector
    finally:
        server.stop(None).wait()
