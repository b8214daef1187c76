"""A trace follows headers from one service to the next."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan

from shared.errors import PoisonMessageError
from shared.tracing import extract, inject, span, trace_id
from tests.support.spans import RecordedSpans, recorded_spans


@pytest.fixture
def spans() -> RecordedSpans:
    recorder = recorded_spans()
    recorder.clear()
    return recorder


def _named(spans: RecordedSpans, name: str) -> ReadableSpan:
    (span,) = [each for each in spans.finished() if each.name == name]
    return span


def test_the_receiver_continues_the_senders_trace(spans: RecordedSpans) -> None:
    headers: dict[str, str] = {}
    with span("send"):
        inject(headers)
    with span("handle", headers):
        pass
    sent, handled = _named(spans, "send"), _named(spans, "handle")
    assert headers["traceparent"].startswith("00-")
    assert handled.parent is not None
    assert handled.parent.span_id == sent.context.span_id
    assert handled.context.trace_id == sent.context.trace_id


@pytest.mark.parametrize("headers", [{}, {"traceparent": ""}, {"traceparent": "00-zz-1-01"}])
def test_a_missing_or_malformed_traceparent_starts_a_new_trace(spans: RecordedSpans, headers: dict[str, str]) -> None:
    with span("handle", headers):
        pass
    assert _named(spans, "handle").parent is None
    assert not extract(headers)


def test_an_error_marks_the_span_with_its_reason_but_not_its_text(spans: RecordedSpans) -> None:
    with pytest.raises(PoisonMessageError), span("decode"):
        raise PoisonMessageError("bytes of case 17")
    failed = _named(spans, "decode")
    assert failed.attributes == {"medulla.reason": "poison_message"}
    assert failed.status.description == "PoisonMessageError"
    assert failed.events == ()


def test_nothing_is_injected_outside_of_a_span() -> None:
    headers: dict[str, str] = {}
    inject(headers)
    assert headers == {}


def test_work_knows_the_id_of_its_trace() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    with span("handle", {"traceparent": f"00-{trace}-b7ad6b7169203331-01"}):
        assert trace_id() == trace
    assert trace_id() == ""
