"""What every gRPC server does around a call: map errors to status codes, count, trace."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import grpc
from opentelemetry.trace import SpanKind

from shared import logs, metrics
from shared.errors import MedullaError, PermanentError, TransientError
from shared.rpc.handlers import AroundCalls
from shared.tracing import span

REASON, ADVICE = "medulla-reason", "medulla-advice-bin"
"""Trailing metadata of a refusal: its reason code, and what to do as UTF-8."""

_log = logs.get(__name__)


def standard() -> list[grpc.ServerInterceptor]:
    """Metrics, errors and tracing, in this order; interceptors that refuse calls go after them."""
    return [AroundCalls(counted), AroundCalls(errors_mapped), AroundCalls(traced)]


@contextmanager
def errors_mapped(method: str, context: grpc.ServicerContext) -> Iterator[None]:
    """Errors raised on purpose become a status code, their sentence and their reason; a bug becomes INTERNAL."""
    try:
        yield
    except MedullaError as error:
        if isinstance(error, PermanentError):
            context.set_trailing_metadata(((REASON, error.reason), (ADVICE, error.advice.encode())))
        context.abort(status_code(error), str(error))
    except Exception as error:
        if type(error) is Exception and _code(context) is not None:  # how grpc itself ends an aborted call
            raise
        _log.exception("a bug in a gRPC call", method=method)
        context.abort(grpc.StatusCode.INTERNAL, "an unexpected error; the log of the service has it")


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
    return grpc.StatusCode.INVALID_ARGUMENT if isinstance(error, PermanentError) else grpc.StatusCode.INTERNAL


def _code(context: grpc.ServicerContext) -> grpc.StatusCode | None:
    return cast("grpc.StatusCode | None", cast("Any", context).code())  # the stubs lack it
