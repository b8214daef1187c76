"""A worker on a bus in memory, and handlers for its tests."""

from collections.abc import Iterable

from medulla.v1.common_pb2 import Slide
from medulla.v1.events_pb2 import CaseScored, SlideRejected, SlideTiled

from shared.attempts import Attempts
from shared.bus import topics
from shared.bus.events import Event, decoder
from shared.bus.memory import MemoryBus
from shared.bus.port import Record
from shared.bus.retry import RetryPolicy
from shared.errors import PermanentError
from shared.route import Route, subscriptions
from shared.worker import Worker
from tests.support.bus import running
from tests.support.polling import eventually

QUICK = RetryPolicy(base_s=0.001)


class NoTissueError(PermanentError):
    reason = "no_tissue"
    advice = "Scan it again."


def tiled(case: str = "case-1") -> SlideTiled:
    return SlideTiled(event_id=f"event-{case}", slide=Slide(case_id=case, slide_id="a"))


def scored(event: SlideTiled) -> list[Event]:
    return [CaseScored(event_id="score-1", case_id=event.slide.case_id)]


def refuse(_: SlideTiled) -> Iterable[Event]:
    raise NoTissueError("slide a shows no tissue")


def rejection(event: SlideTiled, error: PermanentError) -> Event:
    return SlideRejected(event_id="rejected-1", case_id=event.slide.case_id, reason=error.reason)


class Bench:
    """One service on a memory bus."""

    def __init__(self, route: Route[SlideTiled], policy: RetryPolicy | None = None) -> None:
        self.bus = MemoryBus()
        self.routes = [route]
        self.policy = policy
        self.attempts: Attempts | None = None

    def worker(self) -> Worker:
        consumer = self.bus.consumer("scorer", subscriptions("scorer", self.routes))
        return Worker("scorer", consumer, self.bus.producer(), self.routes, self.policy, self.attempts)

    def drain(self, *records: Record) -> None:
        """Send, and let the worker run until nothing is left."""
        self.bus.producer().send(records)
        read = subscriptions("scorer", self.routes)
        with running(self.worker().run) as worker:
            eventually(lambda: not self.bus.lag("scorer", read) or worker.error is not None)
        assert worker.error is None


def route(handle: object = scored, rejected: object = rejection) -> Route[SlideTiled]:
    return Route(topics.SLIDES_TILED, decoder(SlideTiled), handle, rejected)  # type: ignore[arg-type]  # terse tests
