"""Traces that follow a slide across Kafka and gRPC; without a collector they cost almost nothing."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from shared.failure import Failure

_PROPAGATOR = TraceContextTextMapPropagator()


class Tracing:
    """The process's tracer, made once; no endpoint and no exporter: nothing is recorded."""

    def __init__(self, service: str, otlp_endpoint: str = "", exporter: SpanExporter | None = None) -> None:
        self._provider: TracerProvider | None = None
        if exporter is None and otlp_endpoint:
            exporter = OTLPSpanExporter(endpoint=otlp_endpoint, insecure=otlp_endpoint.startswith("http://"), timeout=5)
        if exporter is not None:
            self._provider = TracerProvider(resource=Resource({SERVICE_NAME: service}), shutdown_on_exit=False)
            self._provider.add_span_processor(BatchSpanProcessor(exporter))
            trace.set_tracer_provider(self._provider)

    def flush(self) -> None:
        """Send the spans that are still in memory; takes 5 s at most."""
        if self._provider is not None:
            self._provider.force_flush(5_000)

    def close(self) -> None:
        """Flush, and record nothing more."""
        self.flush()
        if self._provider is not None:
            self._provider.shutdown()


@contextmanager
def span(name: str, headers: Mapping[str, str] | None = None, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[Span]:
    """A span around a block, the child of what `headers` carry, else of the current one; errors mark it.

    Attributes are ids and counts: never a name, never a key of `slides/`.
    """
    parent = extract(headers) if headers else None
    tracer = trace.get_tracer("medulla")
    with tracer.start_as_current_span(name, parent, kind, record_exception=False, set_status_on_exception=False) as own:
        try:
            yield own
        except Exception as error:
            mark_failed(Failure.of(error))
            raise


def set_ids(ids: Mapping[str, str]) -> None:
    """Add ids (case_id, slide_id, event_id) to the current span."""
    trace.get_current_span().set_attributes({f"medulla.{name}": text for name, text in ids.items()})


def mark_failed(failure: Failure) -> None:
    """Mark the current span as failed, with a reason."""
    own = trace.get_current_span()
    own.set_status(Status(StatusCode.ERROR, failure.kind))
    if failure.reason:
        own.set_attribute("medulla.reason", failure.reason)


def inject(headers: MutableMapping[str, str]) -> None:
    """Write `traceparent` of the current span into `headers`; nothing where no span is recorded."""
    _PROPAGATOR.inject(headers)


def trace_id() -> str:
    """The id of the current trace, 32 hex characters; empty where there is none."""
    own = trace.get_current_span().get_span_context()
    return trace.format_trace_id(own.trace_id) if own.is_valid else ""


def extract(headers: Mapping[str, str]) -> context.Context:
    """The context that `traceparent` in `headers` names; an empty one where there is none or it is malformed."""
    return _PROPAGATOR.extract(headers, context.Context())
