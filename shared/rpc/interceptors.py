"""What every gRPC server does around a call: map errors to status codes, count, trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

import grpc
from opentelemetry.trace import SpanKind

from shared import metrics
from shared.errors import GivenUpError, MedullaError, PermanentError, TransientError
from shared.incidents import STOPS, incident
from shared.rpc.handlers import AroundCalls
from shared.text import capped
from shared.tracing import span

REASON, ADVICE, INCIDENT = "medulla-reason", "medulla-advice-bin", "medulla-incident"
"""Trailing metadata of a refusal: its reason code, its advice in UTF-8 and, for a bug, the incident id of the log."""
_LONGEST = 500
"""Characters of a sentence: gRPC allows 8 KB of metadata in all, and encodes a character as up to 12 bytes."""


def standard() -> list[grpc.ServerInterceptor]:
    """Metrics, errors and tracing, in this order; interceptors that refuse calls go after them."""
    return [AroundCalls(counted), AroundCalls(errors_mapped), AroundCalls(traced)]


@contextmanager
def errors_mapped(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Errors raised on purpose become a status code, their sentence and reason; others INTERNAL and an incident id."""
    try:
        yield
    except STOPS:
        raise
    except MedullaError as error:
        _refuse(context, error, str(error))
    except BaseException as error:
        if type(error) is Exception and _code(context) is not None:  # how grpc itself ends an aborted call
            raise
        bug = incident(error, method)
        _refuse(context, bug, f"an unexpected error; incident {bug.incident}; the log of the service has it")


def _refuse(context: grpc.ServicerContext, error: MedullaError, sentence: str) -> NoReturn:
    if isinstance(error, PermanentError):
        incident_id = getattr(error, "incident", "")
        context.set_trailing_metadata(
            (
                (REASON, error.reason),
                (ADVICE, capped(error.advice, _LONGEST).encode()),
                *(((INCIDENT, incident_id),) if incident_id else ()),
            )
        )
    context.abort(status_code(error), capped(sentence, _LONGEST))


@contextmanager
def counted(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Count the call by status code, and time it."""
    start, code = time.perf_counter(), grpc.StatusCode.OK
    try:
        yield
        code = _code(context) or code
    except BaseException:
        code = _code(context) or grpc.StatusCode.CANCELLED
        raise
    finally:
        metrics.RPCS.labels(method, code.name).inc()
        metrics.RPC_SECONDS.labels(method).observe(time.perf_counter() - start)


@contextmanager
def traced(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """A span for the call, the child of the caller's."""
    headers = {name: value for name, value in context.invocation_metadata() if isinstance(value, str)}
    with span(method.removeprefix("/"), headers, SpanKind.SERVER):
        yield


def status_code(error: MedullaError) -> grpc.StatusCode:
    """`grpc_code` where the error's class has one, else what its parent class means."""
    code = getattr(error, "grpc_code", None)
    if isinstance(code, grpc.StatusCode):
        return code
    if isinstance(error, TransientError):
        return grpc.StatusCode.UNAVAILABLE
    refused = isinstance(error, PermanentError) and not isinstance(error, GivenUpError)
    return grpc.StatusCode.INVALID_ARGUMENT if refused else grpc.StatusCode.INTERNAL


def _code(context: grpc.ServicerContext) -> grpc.StatusCode | None:
    return cast("grpc.StatusCode | None", cast("Any", context).code())  # the stubs lack it
