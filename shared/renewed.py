"""Settings that mounted secrets renew: read again while the process runs, so that a new key needs no restart."""

import time
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

from pydantic import BaseModel, PrivateAttr

from shared import logs
from shared.errors import MedullaError
from shared.settings import KafkaLogin, KafkaSettings, PlatformSettings, S3Settings, load

K = TypeVar("K")
T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)
_log = logs.get(__name__)


class Renewed(Generic[T]):
    """The newest value that could be read, at most `every_s` seconds old; safe to share between threads."""

    def __init__(
        self, value: T, read: Callable[[], T], every_s: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._value, self._read = value, read
        self._every_s, self._clock = every_s, clock
        self._due = clock() + every_s

    def __call__(self) -> T:
        """The value; the last good one while a secret is half written or away."""
        if self._clock() >= self._due:
            self._due = self._clock() + self._every_s
            try:
                self._value = self._read()
            except (MedullaError, OSError) as error:
                _log.warning("a renewed secret cannot be read yet", sentence=str(error))
        return self._value


class Rebuilt(Generic[K, T]):
    """What `build` gives for the newest value that could be read; built again when that is another one."""

    def __init__(self, read: Callable[[], K], build: Callable[[K], T], every_s: float = 30.0) -> None:
        first = read()
        self._read, self._build = Renewed(first, read, every_s), build
        self._built = first, build(first)
        self._lock = Lock()

    def __call__(self) -> T:
        """The one of the newest value; the old one stays with those who use it."""
        with self._lock:
            if (newest := self._read()) != self._built[0]:
                self._built = newest, self._build(newest)
            return self._built[1]


def s3(settings: S3Settings, every_s: float = 30.0) -> Renewed[S3Settings]:
    """How to reach the bucket, with the keys that are mounted now."""

    def mounted() -> S3Settings:
        return complete(load(PlatformSettings).s3, settings, "access_key_id", "secret_access_key")

    return Renewed(settings, mounted, every_s)


class _RenewedKafka(KafkaSettings):
    _login: Callable[[], KafkaLogin] = PrivateAttr()

    def login(self) -> KafkaLogin:
        """The user and password that are mounted now."""
        return self._login()


def platform(settings: PlatformSettings) -> PlatformSettings:
    """The settings, of which each connection to Kafka takes the user and password that are mounted by then."""

    def mounted() -> KafkaLogin:
        return complete(load(PlatformSettings).kafka, settings.kafka, "sasl_username", "sasl_password").login()

    kafka = _RenewedKafka(**dict(settings.kafka))
    kafka._login = Renewed(settings.kafka.login(), mounted, every_s=0)
    return settings.model_copy(update={"kafka": kafka})


def complete(newest: M, first: M, *secrets: str) -> M:
    """The newest settings, with all secrets that were set at the start.

    Raises:
        MedullaError: one of these was set and is empty now.
    """
    for name in secrets:
        if getattr(first, name) and not getattr(newest, name):
            raise MedullaError(f"{name} was set at the start and is empty now")
    return newest
