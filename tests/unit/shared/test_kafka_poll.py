"""The poll loop while Kafka refuses its login; the contract tests ask a real broker."""

from threading import Event
from types import SimpleNamespace
from typing import Any

from kafka.errors import SaslAuthenticationFailedError
from kafka.structs import MemberState

from shared.bus.kafka import _PollLoop
from shared.bus.worker_pool import WorkerPool
from shared.settings import KafkaSettings

REFUSALS = 3


class Stop(Event):
    """Remembers for how long it was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout)
        return self.is_set()


class Consumer:
    """Refused by Kafka at each poll, the last of which ends the loop."""

    def __init__(self, stop: Stop) -> None:
        self.stop, self.polls = stop, 0

    def poll(self, **_: Any) -> Any:
        self.polls += 1
        if self.polls == REFUSALS:
            self.stop.set()
        raise SaslAuthenticationFailedError("invalid credentials")

    def assignment(self) -> set[Any]:
        return set()

    subscription = paused = assignment

    def group_metadata(self) -> Any:
        return SimpleNamespace(state=MemberState.UNJOINED)

    def subscribe(self, *_: Any, **__: Any) -> None: ...

    pause = resume = subscribe


def test_refused_logins_are_a_second_apart() -> None:
    stop = Stop()
    loop = _PollLoop(Consumer(stop), WorkerPool(1, "embedder"), lambda _: None, stop, "embedder", KafkaSettings())
    assert loop.run(["slides.tiled"], lambda: None) is None
    assert stop.waits == [1.0] * REFUSALS
