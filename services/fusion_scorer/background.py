"""Scores many cases again in the background, as after a promotion: behind live work, skipping what did not change.

Each case is a request on a topic of its own, which gives way to all others of the scorer, as its score does in results.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideRejected

from services.fusion_scorer.encoder_bags import encoder_of, is_served, waits
from services.fusion_scorer.handler import RescoreCase
from services.fusion_scorer.promoted import Bundles
from shared import keys, metrics, model_keys
from shared.blob.port import BlobStore
from shared.errors import PermanentError


@dataclass(frozen=True)
class BackgroundStop:
    """Whether an operator stopped the scoring of cases in the background: an object in the bucket."""

    store: BlobStore

    def __bool__(self) -> bool:
        return self.store.head(model_keys.RESCORING_STOPPED) is not None

    def set(self) -> None:
        """Drop every request in the background, those to come included, until `lift`."""
        self.store.put_new(model_keys.RESCORING_STOPPED, b"{}")

    def lift(self) -> None:
        """Work on requests again; those that were dropped have to be made again."""
        self.store.delete(model_keys.RESCORING_STOPPED)


@dataclass(frozen=True)
class RescoreInBackground:
    """One request in the background in, at most one score out."""

    rescore: RescoreCase
    bundles: Bundles

    def __call__(self, event: CaseRescoreRequested) -> Iterator[CaseScored | SlideRejected]:
        """Score the case as `rescore` does, unless an operator stopped that.

        After a promotion a case keeps its score while the bundle's encoder is still to embed one of its slides.
        """
        if BackgroundStop(self.rescore.index.store):
            metrics.RESCORED.labels("stopped").inc()
            return
        if self._waits(event):
            metrics.RESCORED.labels("waits_for_encoder").inc()
            return
        for result in self.rescore(event):
            if isinstance(result, CaseScored):
                result.background = True
            yield result
        metrics.RESCORED.labels("done").inc()

    def _waits(self, event: CaseRescoreRequested) -> bool:
        try:
            bundle = self.bundles.promoted().bundle
        except PermanentError:
            return False
        encoder, store = encoder_of(bundle), self.rescore.index.store
        if encoder is None or event.cause != bundle.digest or not is_served(store, encoder):
            return False
        return waits(store, encoder, keys.case_id(event.case_id, "the request"))


def in_background(requests: Iterable[CaseRescoreRequested]) -> Iterator[CaseRescoreRequested]:
    """The requests, on the topic that gives way."""
    for request in requests:
        request.background = True
        yield request
