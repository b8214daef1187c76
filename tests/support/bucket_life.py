"""A bucket that people change while its cases are scored: shuffled, repeated events, workers overtaking each other."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

from medulla.v1.events_pb2 import CaseRescoreRequested, CaseScored, SlideEmbedded, SlideRejected
from medulla.v1.results_pb2 import CaseState, GetCaseResponse

from services.fusion_scorer.case_index import CaseIndex
from services.fusion_scorer.encoder_bags import PassedOver
from services.fusion_scorer.handler import IndexSlide, RescoreCase
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.routes import on_landing
from services.fusion_scorer.score_case import ScoreCase
from services.results.errors import UnknownCaseError
from services.results.handler import RecordScore
from services.results.queries import Queries
from services.results.sql_store import SqlStore
from shared import keys
from shared.blob.memory import MemoryStore
from shared.blob.port import BlobInfo, BlobStore
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import ObjectHint
from shared.canonical import sha256
from shared.errors import TransientError
from shared.units import CaseId
from tests.support.fusion import bag_bytes, clinical_json, embedded, features, plan
from tests.support.vector_bundle import vector_json, write_vector_bundle

CASES = ("MB-1", "MB-2")
_PIXELS = [b"slide one", b"slide two", b"slide three"]
_DEEPEST, _MANY = 3, 15
Message = ObjectHint | SlideEmbedded | CaseRescoreRequested | CaseScored | SlideRejected


class DisturbedStore:
    """A store that calls a function ahead of each of its own calls."""

    def __init__(self, store: BlobStore, disturb: Callable[[], None]) -> None:
        self._store, self._disturb = store, disturb

    def head(self, key: str) -> BlobInfo | None:
        self._disturb()
        return self._store.head(key)

    def get(self, key: str) -> bytes:
        self._disturb()
        return self._store.get(key)

    def get_range(self, info: BlobInfo, start: int, end: int) -> bytes:
        self._disturb()
        return self._store.get_range(info, start, end)

    def put_new(self, key: str, data: bytes) -> bool:
        self._disturb()
        return self._store.put_new(key, data)

    def put(self, key: str, data: bytes) -> BlobInfo:
        self._disturb()
        return self._store.put(key, data)

    def replace(self, info: BlobInfo, data: bytes) -> BlobInfo | None:
        self._disturb()
        return self._store.replace(info, data)

    def list(self, prefix: str) -> Iterator[BlobInfo]:
        self._disturb()
        return self._store.list(prefix)

    def delete(self, key: str) -> None:
        self._disturb()
        self._store.delete(key)

    def erase(self, name: str) -> int:
        self._disturb()
        return self._store.erase(name)


class BucketLife:
    """Scorer and results in this process on a bucket; a seed decides what happens to it, and in which order."""

    def __init__(self, folder: Path, store: BlobStore, seed: int, changes: int = 12) -> None:
        self.random, self.store, self.changes, self.depth = Random(seed), store, changes, 0  # noqa: S311 - a test repeats itself
        self.waiting: list[Message] = []
        promote(store, write_vector_bundle(folder / "bundle"))
        self.results = SqlStore("sqlite://")
        self.results.migrate()
        disturbed, producer = DisturbedStore(store, self._disturb), MemoryBus().producer()
        bundles, index = Bundles(store), CaseIndex(disturbed)
        self.landing = on_landing(disturbed, bundles, producer)
        self.index_slide = IndexSlide(index, PassedOver(disturbed, bundles))
        self.rescore = RescoreCase(ScoreCase(disturbed, bundles, "0.0"), index)
        self.record = RecordScore(store, self.results)

    def live(self) -> None:
        """Make all changes, then handle all events."""
        while self.changes or self.waiting:
            if self.changes and self.random.random() < 0.2:
                self._change()
            self._work()

    def shown(self, case: str) -> dict[str, Any]:
        """Each case as results shows it at the end."""
        return _described(_answer(Queries(self.results, self.store), case))

    def expected(self, folder: Path) -> dict[str, dict[str, Any]]:
        """The expected cases: of the same bucket, landed once and in order."""
        calm = BucketLife(folder, MemoryStore(), seed=-1, changes=0)
        try:
            for info in [info for prefix in keys.LANDED for info in self.store.list(prefix)]:
                calm.store.put(info.key, self.store.get(info.key))
                calm.waiting.append(ObjectHint(info.key, "b"))
            calm.live()
            return {case: calm.shown(case) for case in CASES}
        finally:
            calm.close()

    def close(self) -> None:
        """Close the database."""
        self.results.close()

    def _disturb(self) -> None:
        """Before a call of a worker to its store: a change of the bucket, or another worker from start to end."""
        if self.depth < _DEEPEST and self.random.random() < 0.04:
            self._change() if self.changes and self.random.random() < 0.5 else self._work()

    def _change(self) -> None:
        self.changes -= 1
        case = self.random.choice(CASES)
        key, data = self._input(case)
        removed = self.random.random() < 0.35
        if removed:
            self.store.delete(key)
        else:
            self.store.put(key, data)
        self.waiting += [ObjectHint(key, "b", removed)] * self.random.randint(1, 3)

    def _input(self, case: str) -> tuple[str, bytes]:
        """Key and content of a record, a vector or, most often, a slide."""
        kind = self.random.random()
        if kind < 0.2:
            return f"clinical/{case}.json", clinical_json(case, stage=self.random.choice(["M0", "M1"]))
        if kind < 0.4:
            block, column = self.random.choice([("blood", "hb"), ("texture", "t1")])
            return f"vectors/{case}/{block}.json", vector_json(block, case, **{column: self.random.choice([1, 2])})
        return f"slides/{case}/{self.random.choice('AB')}", self.random.choice(_PIXELS)

    def _work(self) -> None:
        if not self.waiting:
            return
        message = self.waiting.pop(self.random.randrange(len(self.waiting)))
        self.depth += 1
        try:
            events = list(self._handled(message))
        except TransientError:
            events = [message]
        self.depth -= 1
        self.waiting += events * self.random.randint(1, 2) if len(self.waiting) < _MANY else events

    def _handled(self, message: Message) -> Iterable[Message]:
        if isinstance(message, ObjectHint):
            return [*self._embedded(message), *self.landing(message)]
        if isinstance(message, SlideEmbedded):
            return self.index_slide(message)
        if isinstance(message, SlideRejected):
            return ()
        return self.rescore(message) if isinstance(message, CaseRescoreRequested) else self.record(message)

    def _embedded(self, hint: ObjectHint) -> Iterator[SlideEmbedded]:
        """What tiler and embedder say of what stands there now."""
        info = self.store.head(hint.key) if hint.key.startswith("slides/") else None
        if info is not None:
            yield embed(self.store, info)


def embed(store: BlobStore, info: BlobInfo) -> SlideEmbedded:
    """Plan and embed the slide that `info` describes: one tile, which says how long its bytes are."""
    _, case, slide = info.key.split("/")
    pixels = store.get(info.key)
    bag = bag_bytes(features((0, len(pixels) % 7)))
    event = embedded(case, slide, bag, info.last_modified, tiles=1)
    event.slide.object.key, event.slide.object.etag = info.key, info.etag
    event.slide.digest = sha256(pixels)
    event.plan.prefix = f"plans/{event.slide.digest}/plan/"
    event.bag.key = f"embeddings/{event.slide.digest}/bag.safetensors"
    store.put_new(event.bag.key, bag)
    store.put_new(f"{event.plan.prefix}plan.json", json.dumps({"version": 1, **plan().model_dump()}).encode())
    return event


def _answer(queries: Queries, case: str) -> GetCaseResponse | None:
    try:
        return queries.get_case(CaseId(case))
    except UnknownCaseError:
        return None


def _described(answer: GetCaseResponse | None) -> dict[str, Any]:
    """State, the slides and vectors used with their digests, the record, what was left out and the remarks."""
    if answer is None:
        return {}
    score = answer.score
    return {
        "state": CaseState.Name(answer.summary.state),
        "slides": [(each.slide_id, each.slide_digest) for each in score.provenance.slides],
        "record": score.provenance.clinical_digest,
        "vectors": [(each.block, each.digest) for each in score.provenance.vectors],
        "left_out": [(each.slide_id, each.reason) for each in score.left_out],
        "remarks": [(each.slide_id, each.code, each.sentence) for each in score.remarks],
    }
