"""Spans of the process in memory, for tests."""

from collections.abc import Sequence
from functools import cache

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.tracing import Tracing


class RecordedSpans:
    """What the process traced since it was last cleared."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._tracing = Tracing("tests", exporter=self._exporter)

    def finished(self) -> Sequence[ReadableSpan]:
        """Spans that have ended."""
        self._tracing.flush()
        return self._exporter.get_finished_spans()

    def clear(self) -> None:
        """Forget what was traced so far."""
        self._tracing.flush()
        self._exporter.clear()


@cache
def recorded_spans() -> RecordedSpans:
    """The one recorder of the process: a tracer can be set only once."""
    return RecordedSpans()
