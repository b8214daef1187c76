"""The scorer in memory, as its handlers see it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from google.protobuf.json_format import Parse
from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.background import RescoreInBackground, StopLooks
from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.changes import CaseChanges
from services.fusion_scorer.encoder_bags import PassedOver
from services.fusion_scorer.handler import IndexSlide, RescoreCase
from services.fusion_scorer.on_landing import OnLanding
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.score_case import ScoreCase
from services.fusion_scorer.what_if import WhatIf
from shared import model_keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobStore
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.rescoring import BackgroundStop
from shared.units import CaseId, Sha256
from tests.support.fusion import features, store_slide, write_bundle
from tests.support.vector_bundle import write_vector_bundle

CASE = CaseId("MB-1")


@dataclass
class Scorer:
    """The scorer's handlers on a store of its own."""

    folder: Path
    store: BlobStore = field(default_factory=MemoryStore)
    announced: list[CaseRescoreRequested] = field(default_factory=list)
    clock: Callable[[], float] = count().__next__
    """Of the looks for a stop of work in the background."""

    def __post_init__(self) -> None:
        self.bundles = Bundles(self.store)
        self.index = CaseIndex(self.store)
        self.index_slide = IndexSlide(self.index, PassedOver(self.store, self.bundles))
        self.changes = CaseChanges(self.store, self.index)
        self.landing = OnLanding(self.store, self.index, self.changes, self.bundles, self.announced.append)
        self.score_case = ScoreCase(self.store, self.bundles, "0.0")
        self.rescore = RescoreCase(self.score_case, self.index)
        self.in_background = RescoreInBackground(self.rescore, StopLooks(BackgroundStop(self.store), self.clock))
        self.what_if = WhatIf(self.store, self.bundles, "0.0")

    def promote(self, name: str = "toy") -> Sha256:
        return promote(self.store, write_bundle(self.folder / name, entries={"name": name})).digest

    def promote_vectors(
        self,
        name: str = "toy-vectors",
        blood: Mapping[str, Any] | None = None,
        texture: Mapping[str, Any] | None = None,
    ) -> Sha256:
        """Promote the bundle with two blocks of vectors; `blood` and `texture` replace entries of their models."""
        return promote(self.store, write_vector_bundle(self.folder / name, name, blood, texture)).digest

    def land(self, key: str, data: bytes) -> list[CaseRescoreRequested]:
        self.store.put(key, data)
        return self.requested(ObjectHint(key, "medulla"))

    def requested(self, hint: ObjectHint) -> list[CaseRescoreRequested]:
        """The scores that an object asks for."""
        return [event for event in self.landing(hint) if isinstance(event, CaseRescoreRequested)]

    def slide(self, slide: str, *rows: tuple[float, float], minutes: float = 0) -> list[CaseRescoreRequested]:
        return list(self.index_slide(store_slide(self.store, CASE, slide, features(*rows), minutes)))

    def rescored(self) -> list[CaseScored]:
        """The outcome of every case after a promotion."""
        requests = self.requested(ObjectHint(model_keys.CURRENT_BUNDLE, "medulla"))
        return [event for request in requests for event in self.in_background(request) if isinstance(event, CaseScored)]

    def score(self, case: CaseId = CASE) -> Score:
        """Score the case and read what was stored."""
        event = self.score_case(case)
        data = self.store.get(event.score_key)
        assert sha256(data) == event.score_digest
        return Parse(data, Score())
