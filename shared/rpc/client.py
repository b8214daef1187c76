"""gRPC channels with deadlines, and status codes mapped to errors."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import grpc

from shared.errors import CrashedWorkerError, InternalError, MedullaError, PermanentError, TransientError
from shared.rpc.auth import ForbiddenError, UnauthenticatedError
from shared.rpc.client_tls import ClientTls, RenewedChannel
from shared.rpc.interceptors import ADVICE, INCIDENT, REASON
from shared.tracing import inject

_MIB = 1024 * 1024
_REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.OUT_OF_RANGE,
    grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.DATA_LOSS,
}
_SERVICE_CONFIG: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
"""No retryPolicy: with one, a call to a silent peer exceeds its deadline (gRPC 1.85). Callers retry."""


class RefusedByServerError(PermanentError):
    """The other service refused for good; with its reason and advice."""

    def __init__(self, sentence: str, reason: str, advice: str) -> None:
        super().__init__(sentence)
        vars(self).update(reason=reason, advice=advice)


@dataclass(frozen=True)
class _Call(grpc.ClientCallDetails):
    """Details of one call, with our deadline and metadata."""

    method: str
    timeout: float | None
    metadata: Any
    credentials: Any
    wait_for_ready: Any
    compression: Any


def channel(
    address: str,
    *,
    tls: ClientTls | None = None,
    max_message_mb: int = 64,
    deadline_s: float = 30,
    stream_deadline_s: float = 3600,
    silence_s: float = 30,
    token: Callable[[], str] | None = None,
    renew_s: float = 30,
) -> grpc.Channel:
    """A channel to `host:port` (or `dns:///host:port`, to spread calls over all its addresses); nothing is sent yet.

    Calls without a timeout get `deadline_s`, streams `stream_deadline_s`. A peer that is silent for `silence_s` is
    pinged and has a third of that time to answer. `token` returns the bearer token of a call. Files of `tls` are read
    again every `renew_s`; calls in flight end on the connection on which they began.

    Raises:
        MedullaError: a TLS file cannot be read, or a certificate does not match its private key.
    """
    options = _options(max_message_mb * _MIB, round(1000 * silence_s))
    opened: grpc.Channel
    if tls is None:
        opened = grpc.insecure_channel(address, options)
    else:
        secured = partial(grpc.secure_channel, address, options=options)
        opened = RenewedChannel(tls, secured, max(deadline_s, stream_deadline_s), renew_s)
    return grpc.intercept_channel(opened, _Outgoing(deadline_s, stream_deadline_s, token))


def raise_as_medulla(error: grpc.RpcError) -> NoReturn:
    """Raise the error that a failed call stands for.

    Raises:
        RefusedByServerError: with the reason and advice it gave.
        UnauthenticatedError, ForbiddenError: our token was not accepted.
        InternalError, CrashedWorkerError: the call ended without an answer, although dependencies are up.
        TransientError: the call may work later.
    """
    raise as_medulla(error) from error


def as_medulla(error: grpc.RpcError) -> MedullaError:
    """The error that a status code stands for."""
    code, details = _status(error)
    trailing = dict(_trailing(error))
    if code is grpc.StatusCode.INTERNAL and REASON in trailing:  # else gRPC's own status, of a broken connection
        crashed = trailing[REASON] == CrashedWorkerError.reason
        return CrashedWorkerError(details) if crashed else InternalError(details, str(trailing.get(INCIDENT, "")))
    if code in _REFUSALS:
        advice = trailing.get(ADVICE, b"See the log of the service that refused.")
        return RefusedByServerError(details, str(trailing.get(REASON, "poison_message")), _text(advice))
    if code is grpc.StatusCode.UNAUTHENTICATED:
        return UnauthenticatedError(details)
    if code is grpc.StatusCode.PERMISSION_DENIED:
        return ForbiddenError(details)
    return TransientError(f"{code.name}: {details}")


class _Outgoing(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Adds a deadline, the trace and the token to calls."""

    def __init__(self, deadline_s: float, stream_deadline_s: float, token: Callable[[], str] | None) -> None:
        self._deadline_s, self._stream_deadline_s, self._token = deadline_s, stream_deadline_s, token

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Add to a unary call."""
        return continuation(self._dressed(client_call_details, self._deadline_s), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        """Add to a streaming call."""
        return continuation(self._dressed(client_call_details, self._stream_deadline_s), request)

    def _dressed(self, details: grpc.ClientCallDetails, deadline_s: float) -> _Call:
        headers = {"authorization": f"Bearer {self._token()}"} if self._token else {}
        inject(headers)
        return _Call(
            details.method,
            deadline_s if details.timeout is None else details.timeout,
            [*(details.metadata or ()), *headers.items()],
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


def _status(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    if isinstance(error, grpc.Call):
        return error.code(), error.details() or error.code().name
    return grpc.StatusCode.UNKNOWN, str(error)


def _trailing(error: grpc.RpcError) -> Any:
    return (error.trailing_metadata() or ()) if isinstance(error, grpc.Call) else ()


def _text(value: str | bytes) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _options(max_bytes: int, silence_ms: int) -> list[tuple[str, int | str]]:
    return [
        ("grpc.max_send_message_length", max_bytes),
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.keepalive_time_ms", silence_ms),
        ("grpc.keepalive_timeout_ms", silence_ms // 3),
        ("grpc.http2.ping_timeout_ms", silence_ms // 3),  # without it, gRPC waits for pings without an answer
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ]
