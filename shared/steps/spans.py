"""Records the work on a record as a span of the trace that the record carries."""

from opentelemetry.trace import SpanKind

from shared.bus.retry import trace_carrier
from shared.steps.step import Handle, Outcome, Task
from shared.tracing import mark_failed, span


def trace(task: Task, handle: Handle) -> Outcome:
    """Work inside a span, which an outcome with a failure marks as failed."""
    with span(f"{task.service} {task.route.topic}", trace_carrier(task.record), SpanKind.CONSUMER):
        outcome = handle(task)
        if outcome.failure is not None:
            mark_failed(outcome.failure)
        return outcome
