"""Scores many cases again in the background, as after a promotion: behind live work, skipping what did not change.

Each case is a request on a topic of its own, which gives way to all others of the scorer, as its score does in results.
"""

import math
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideRejected

from services.fusion_scorer.changes import request
from services.fusion_scorer.errors import EncoderAwaitedError
from services.fusion_scorer.handler import RescoreCase
from shared import metrics
from shared.rescoring import BackgroundStop
from shared.units import CaseId, Sha256

_LOOK_EVERY_S = 1.0
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass
class StopLooks:
    """Looks for a stop every second; one that was seen is looked for again at once, since it may be lifted."""

    stop: BackgroundStop
    clock: Callable[[], float] = time.monotonic
    _next_at: float = field(default=-math.inf, init=False)

    def __bool__(self) -> bool:
        now = self.clock()
        if now < self._next_at:
            return False
        if self.stop:
            return True
        self._next_at = now + _LOOK_EVERY_S
        return False


@dataclass(frozen=True)
class RescoreInBackground:
    """One request in the background in, at most one score out."""

    rescore: RescoreCase
    is_stopped: StopLooks

    def __call__(self, event: CaseRescoreRequested) -> Iterator[CaseScored | SlideRejected]:
        """Score the case as `rescore` does, unless an operator stopped that.

        After a promotion a case keeps its score while the bundle's encoder is still to embed one of its slides.
        """
        if self.is_stopped:
            metrics.RESCORED.labels("stopped").inc()
            return
        try:
            yield from map(_marked, self.rescore(event, _promotion(event)))
        except EncoderAwaitedError:
            metrics.RESCORED.labels("waits_for_encoder").inc()
        else:
            metrics.RESCORED.labels("done").inc()


def _marked(result: CaseScored | SlideRejected) -> CaseScored | SlideRejected:
    if isinstance(result, CaseScored):
        result.background = True
    return result


def after_promotion(bundle: Sha256, since: datetime, cases: Iterable[CaseId]) -> Iterator[CaseRescoreRequested]:
    """Request a score of each case by a bundle that was promoted, on the topic that gives way."""
    return in_background(request(case, bundle, since, bundle) for case in cases)


def _promotion(event: CaseRescoreRequested) -> Sha256 | None:
    """The bundle whose promotion asks for the score; None where something else does."""
    return Sha256(event.cause) if _DIGEST.fullmatch(event.cause) else None


def in_background(requests: Iterable[CaseRescoreRequested]) -> Iterator[CaseRescoreRequested]:
    """The requests, on the topic that gives way."""
    for event in requests:
        event.background = True
        yield event
