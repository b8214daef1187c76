"""A seeded schedule of faults, and a thread that inflicts them on a running system while work lands."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.chaos.size import Size
from tests.stack.services import SERVICES
from tests.support.system import System

_SHORTEST_S, _LONGEST_S = 5.0, 15.0
"""Between two kills of services."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What dies, and how many seconds after the start of the schedule."""

    at_s: float
    target: str
    """A service, `kafka`, `postgres`, or `events` for a bucket that announces nothing for a while."""


def schedule(seed: int, seconds: float, size: Size) -> list[Fault]:
    """Faults in the order of their time: a service every 5 to 15 s, the broker, the database and the bucket's events.

    The same seed gives the same faults.
    """
    rng = random.Random(seed)  # noqa: S311 - a schedule that can be repeated
    kills, at_s = [], rng.uniform(_SHORTEST_S, _LONGEST_S)
    while at_s < seconds:
        kills.append(Fault(at_s, rng.choice(SERVICES)))
        at_s += rng.uniform(_SHORTEST_S, _LONGEST_S)
    targets = ["kafka"] * size.broker_kills + ["postgres", "events"]
    others = [Fault(rng.uniform(0, seconds), target) for target in targets]
    return sorted([*kills, *others], key=lambda fault: fault.at_s)


class Inflictor:
    """Inflicts a schedule's faults one after the other, however long each takes to mend."""

    def __init__(self, system: System, size: Size) -> None:
        self._system = system
        self._size = size
        self._over = threading.Event()
        self._news = threading.Condition()
        self._begun = 0
        self.inflicted: Counter[str] = Counter()
        """Faults so far by target."""
        self.killed_at: list[float] = []
        """When a service was killed, in seconds of the monotonic clock."""
        self.failures: list[str] = []
        """What could not be started again."""

    def inflict(self, faults: list[Fault]) -> None:
        """Follow the schedule until its end; each fault is mended before the next."""
        start = time.monotonic()
        for fault in faults:
            if self._over.wait(max(0.0, fault.at_s - (time.monotonic() - start))):
                return
            self._begin()
            if fault.target in self._system.services:
                self.killed_at.append(time.monotonic())
            try:
                self._actions(fault.target)()
            except Exception as error:  # noqa: BLE001 - reported as a failure of the run
                self.failures.append(f"{fault.target}: {error}")
            self.inflicted[fault.target] += 1

    def cancel(self) -> None:
        """Inflict no further fault."""
        self._over.set()

    def await_begun(self, faults: int) -> None:
        """Return once so many faults have begun."""
        with self._news:
            self._news.wait_for(lambda: self._begun >= faults)

    def _begin(self) -> None:
        with self._news:
            self._begun += 1
            self._news.notify_all()

    def _actions(self, target: str) -> Callable[[], None]:
        parts = self._system.parts
        match target:
            case "kafka":
                return lambda: _restart(parts.kafka.kill, parts.kafka.start)
            case "postgres":
                return lambda: _restart(parts.postgres.kill, parts.postgres.start)
            case "events":
                return self._silence
        service = self._system.services[target]
        return lambda: _restart(service.kill, service.start)

    def _silence(self) -> None:
        with silent_bucket(self._system):
            self._over.wait(self._size.bucket_silent_s)


def _restart(kill: Callable[[], None], start: Callable[[], None]) -> None:
    kill()
    start()


@contextmanager
def silent_bucket(system: System) -> Iterator[None]:
    """A bucket that announces nothing: events of that time are lost for good."""
    system.s3.put_bucket_notification_configuration(Bucket=system.bucket, NotificationConfiguration={})
    try:
        yield
    finally:
        system.parts.minio.announce(system.bucket)


@contextmanager
def under_faults(system: System, faults: list[Fault], size: Size) -> Iterator[Inflictor]:
    """Inflict faults beside what runs in the block; at its end the schedule has run out and all is up again."""
    inflictor = Inflictor(system, size)
    thread = threading.Thread(target=inflictor.inflict, args=(faults,), name="faults")
    thread.start()
    try:
        yield inflictor
    except BaseException:
        inflictor.cancel()
        raise
    finally:
        thread.join()
    _revive(system)


def _revive(system: System) -> None:
    for service in system.services.values():
        if not service.program.alive:
            service.start()
