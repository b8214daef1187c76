"""Wraps every gRPC call, unary or streaming, in a context manager."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import grpc

_HEALTH = "/grpc.health.v1.Health/"

Around = Callable[[str, grpc.ServicerContext], AbstractContextManager[None]]
"""Given the full method name (`/package.Service/Method`) and the context: what is entered before and left after a call,
for a stream after its last message."""


class AroundCalls(grpc.ServerInterceptor):
    """An interceptor made of one context manager a call; calls of the health service pass untouched."""

    def __init__(self, around: Around) -> None:
        self._around = around

    def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "grpc.RpcMethodHandler[Any, Any] | None"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Wrap the handler of one call."""
        handler, method = continuation(handler_call_details), handler_call_details.method
        return handler if handler is None or method.startswith(_HEALTH) else _wrapped(handler, method, self._around)


def _wrapped(handler: Any, method: str, around: Around) -> Any:
    kind = f"{_arity(handler.request_streaming)}_{_arity(handler.response_streaming)}"
    behaviour = getattr(handler, kind)

    def handle(request: Any, context: grpc.ServicerContext) -> Any:
        with around(method, context):
            return behaviour(request, context)

    def many(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        with around(method, context):
            yield from behaviour(request, context)

    make = getattr(grpc, f"{kind}_rpc_method_handler")
    wrapped = many if handler.response_streaming else handle
    return make(wrapped, handler.request_deserializer, handler.response_serializer)


def _arity(streaming: bool) -> str:
    return "stream" if streaming else "unary"
