"""A gRPC server as a part: health service, keepalive, message bound, drain."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import grpc
from google.protobuf.descriptor import FileDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from shared.health import BusyAddressError
from shared.rpc.interceptors import standard
from shared.rpc.server_tls import ServerTls, credentials

_MIB = 1024 * 1024


class GrpcServer:
    """Serves what `register` adds until `stop` is set; the address is bound at construction.

    Around every call: metrics, errors to status codes, tracing, then `interceptors` in their order. With `reflects`
    clients may ask which services it has.
    """

    def __init__(
        self,
        address: str,
        register: Callable[[grpc.Server], None],
        *,
        interceptors: Sequence[grpc.ServerInterceptor] = (),
        max_message_mb: int = 64,
        max_workers: int = 16,
        tls: ServerTls | None = None,
        grace_s: float = 30,
        reflects: FileDescriptor | None = None,
    ) -> None:
        self._grace_s = grace_s
        self._health = health.HealthServicer()
        self._pool = ThreadPoolExecutor(max_workers, thread_name_prefix="grpc")
        self._server = grpc.server(
            self._pool, interceptors=[*standard(), *interceptors], options=_options(max_message_mb * _MIB)
        )
        register(self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if reflects is not None:
            _reflect(self._server, reflects)
        self.port = _bound(self._server, address, tls)
        """The port in use, also if 0 was requested."""

    def run(self, stop: Event) -> None:
        """Serve until `stop` is set, then say NOT_SERVING and let open calls finish for `grace_s` seconds."""
        self._server.start()
        self._health.set(health.OVERALL_HEALTH, health_pb2.HealthCheckResponse.SERVING)
        stop.wait()
        self._health.enter_graceful_shutdown()
        self._server.stop(self._grace_s).wait()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _reflect(server: grpc.Server, file: FileDescriptor) -> None:
    """Describe the services of `file`, health and reflection itself to clients that ask."""
    own = (service.full_name for service in file.services_by_name.values())
    reflection.enable_server_reflection((*own, health.SERVICE_NAME, reflection.SERVICE_NAME), server)


def _bound(server: grpc.Server, address: str, tls: ServerTls | None) -> int:
    try:
        return server.add_secure_port(address, credentials(tls, address)) if tls else server.add_insecure_port(address)
    except RuntimeError as error:
        raise BusyAddressError(f"cannot serve gRPC on {address}: it is in use or not this machine's") from error


def _options(max_bytes: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_send_message_length", max_bytes),
        ("grpc.max_receive_message_length", max_bytes),
        ("grpc.so_reuseport", 0),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.ping_timeout_ms", 10_000),
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
