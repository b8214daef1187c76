"""TLS of a gRPC client, whose files are read again: a renewed certificate or authority needs no restart."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NoReturn

import grpc

from shared import logs, tls_files
from shared.errors import MedullaError
from shared.renewed import Renewed
from shared.settings import Section

_log = logs.get(__name__)


class ClientTls(Section):
    """PEM files of a client: the authority it trusts, and its own certificate if the server requires one."""

    ca: Path | None = None
    """None: the authorities bundled with gRPC."""
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True, slots=True)
class _Files:
    """What the files hold."""

    ca: bytes | None
    private_key: bytes | None
    certificate: bytes | None

    def credentials(self) -> grpc.ChannelCredentials:
        """As gRPC takes it."""
        return grpc.ssl_channel_credentials(self.ca, self.private_key, self.certificate)


class RenewedChannel(grpc.Channel):
    """Gives each call a channel with the files of the last `renew_s` seconds; wrap it into interceptors.

    A channel whose files changed is closed after `longest_s`, when every call on it has reached its deadline. Files
    that do not fit together yet leave the channel as it is.
    """

    def __init__(
        self,
        tls: ClientTls,
        opened: Callable[[grpc.ChannelCredentials], grpc.Channel],
        longest_s: float,
        renew_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Raises MedullaError where a file cannot be read, or a certificate does not match its private key."""
        self._files = files = Renewed(_read(tls), lambda: _read(tls), renew_s, clock)
        self._opened, self._longest_s, self._clock = opened, longest_s, clock
        self._used, self._channel = files(), opened(files().credentials())
        self._retired: list[tuple[float, grpc.Channel]] = []
        self._closed = False
        self._lock = Lock()

    def _current(self) -> grpc.Channel:
        with self._lock:
            if self._closed:
                return self._channel
            files, now = self._files(), self._clock()
            if files != self._used:
                opened = self._opened(files.credentials())
                self._retired.append((now + self._longest_s, self._channel))
                self._used, self._channel = files, opened
                _log.info("renewed TLS files are used for gRPC calls")
            ended = [channel for until, channel in self._retired if until <= now]
            self._retired = self._retired[len(ended) :]
            current = self._channel
        for channel in ended:
            channel.close()
        return current

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Opens the call on the current channel."""
        return self._current().unary_unary(*args, **kwargs)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Opens the call on the current channel."""
        return self._current().unary_stream(*args, **kwargs)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Opens the call on the current channel."""
        return self._current().stream_unary(*args, **kwargs)

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Opens the call on the current channel."""
        return self._current().stream_stream(*args, **kwargs)

    def subscribe(self, *_: Any, **__: Any) -> NoReturn:
        """Not offered: the connectivity is that of several channels."""
        raise NotImplementedError

    unsubscribe = subscribe

    def close(self) -> None:
        """End every call, also those of channels whose files have changed."""
        with self._lock:
            self._closed = True
        for channel in (self._channel, *(each for _, each in self._retired)):
            channel.close()

    def __enter__(self) -> "RenewedChannel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _read(tls: ClientTls) -> _Files:
    ca = tls_files.authorities(tls.ca) if tls.ca else None
    if tls.certificate is None and tls.private_key is None:
        return _Files(ca, None, None)
    if tls.certificate is None or tls.private_key is None:
        raise MedullaError("a gRPC client has a certificate and its private key, or neither; give both files")
    certificate, private_key = tls_files.pair(tls.certificate, tls.private_key)
    return _Files(ca, private_key, certificate)
