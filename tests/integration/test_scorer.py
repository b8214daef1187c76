"""The scorer as a whole on a bus and a store of one process: worker, routes, sweep, gRPC with tokens."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc
import pytest
from medulla.v1.events_pb2 import CaseScored, SlideRejected
from medulla.v1.scorer_pb2 import ScoreCaseRequest
from medulla.v1.scorer_pb2_grpc import ScorerServiceStub, add_ScorerServiceServicer_to_server

from services.fusion_scorer.landed_input import PREFIXES
from services.fusion_scorer.promoted import Bundles, promote
from services.fusion_scorer.refusal import SERVICE
from services.fusion_scorer.routes import on_landing, routes
from services.fusion_scorer.servicer import ScorerServicer
from services.fusion_scorer.what_if import WhatIf
from shared import keys, model_keys
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.events import to_record
from shared.bus.memory import MemoryBus
from shared.bus.s3_events import announcement
from shared.home import Home
from shared.route import subscriptions
from shared.rpc.auth import ForbiddenError, Principal, UnauthenticatedError, require_role
from shared.rpc.server import GrpcServer
from shared.sweep import Sweep
from shared.worker import Worker
from tests.support.fusion import clinical_json, features, store_slide, write_bundle
from tests.support.polling import eventually
from tests.support.vector_bundle import vector_json, write_vector_bundle

BUCKET = "medulla"


@dataclass
class Scorer:
    """The service on fakes that ship in the product."""

    folder: Path
    store: MemoryStore = field(default_factory=MemoryStore)
    bus: MemoryBus = field(default_factory=MemoryBus)

    def __post_init__(self) -> None:
        self.bundles = Bundles(self.store)
        self.producer = self.bus.producer()
        self.routes = routes(self.store, self.bundles, self.producer, "0.0", lambda _: None, Home("medulla"))

    @contextmanager
    def running(self) -> Iterator[None]:
        consumer = self.bus.consumer(SERVICE, subscriptions(SERVICE, self.routes))
        stop = Event()
        thread = Thread(target=Worker(SERVICE, consumer, self.producer, self.routes).run, args=(stop,))
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(10)

    def settle(self) -> None:
        """Wait until every event so far, and those it caused, are done."""
        names = subscriptions(SERVICE, self.routes)
        eventually(lambda: not self.bus.lag(SERVICE, names))

    def promote(self, name: str) -> None:
        promote(self.store, write_bundle(self.folder / name, entries={"name": name}))
        self.producer.send([announcement(Home(BUCKET), model_keys.CURRENT_BUNDLE)])

    def land(self, case: str, data: bytes) -> None:
        self.store.put(f"clinical/{case}.json", data)
        self.producer.send([announcement(Home(BUCKET), f"clinical/{case}.json")])

    def land_vector(self, case: str, block: str, data: bytes) -> None:
        key = f"vectors/{case}/{block}.json"
        self.store.put(key, data)
        self.producer.send([announcement(Home(BUCKET), key)])

    def embed(self, case: str, slide: str, *rows: tuple[float, float], times: int = 1) -> None:
        event = store_slide(self.store, case, slide, features(*rows))
        self.producer.send([to_record(event, "embedder")] * times)

    def scores(self, case: str) -> list[CaseScored]:
        records = (record for topic in topics.SCORED for record in self.bus.records(topic))
        events = (CaseScored.FromString(record.value) for record in records)
        return [event for event in events if event.case_id == case]

    def last(self, case: str) -> dict[str, Any]:
        latest = max(self.scores(case), key=lambda event: event.revision)
        return dict(json.loads(self.store.get(latest.score_key)))


@pytest.fixture
def scorer(tmp_path: Path) -> Iterator[Scorer]:
    created = Scorer(tmp_path)
    created.promote("toy")
    with created.running():
        yield created


def test_slide_then_record_then_another_bundle_each_give_the_case_a_new_score(scorer: Scorer) -> None:
    scorer.embed("MB-1", "A", (0, 2))
    scorer.settle()
    assert scorer.last("MB-1")["model"] == "pathomics"
    scorer.land("MB-1", clinical_json(stage="M1", group="G3"))
    scorer.settle()
    assert scorer.last("MB-1")["model"] == "fused"
    scorer.promote("better")
    scorer.settle()
    assert scorer.last("MB-1")["provenance"]["bundle_name"] == "better"


def test_each_event_three_times_gives_one_score(scorer: Scorer) -> None:
    scorer.embed("MB-1", "A", (0, 2), times=3)
    scorer.settle()
    assert len({event.score_id for event in scorer.scores("MB-1")}) == 1
    assert len({event.event_id for event in scorer.scores("MB-1")}) == 1
    assert len(list(scorer.store.list("scores/"))) == 1


def test_slides_of_many_cases_at_once_end_with_all_slides_in_the_last_score(scorer: Scorer) -> None:
    for case in ("MB-1", "MB-2", "MB-3"):
        for slide in "ABCD":
            scorer.embed(case, slide, (0, 2), (0, ord(slide)))
        scorer.land(case, clinical_json(case, stage="M0", group="G4"))
    scorer.settle()
    for case in ("MB-1", "MB-2", "MB-3"):
        assert len(scorer.last(case)["slides"]) == 4
        assert scorer.last(case)["model"] == "fused"


def test_a_bad_record_is_a_dead_letter_and_a_rejection_and_the_slides_are_scored(scorer: Scorer) -> None:
    scorer.embed("MB-1", "A", (0, 2))
    scorer.settle()
    scorer.land("MB-1", clinical_json(stage="M9", age=400))
    scorer.settle()
    (letter,) = scorer.bus.records(topics.DEAD_LETTERS)
    assert letter.headers["medulla-reason"] == "bad_clinical_record"
    (record,) = scorer.bus.records(topics.SLIDES_REJECTED)
    rejection = SlideRejected.FromString(record.value)
    assert (rejection.case_id, rejection.slide_id) == ("MB-1", "")
    assert "stage" in rejection.sentence
    assert "age" in rejection.sentence
    assert scorer.last("MB-1")["modalities_missing"] == ["clinical", "molecular"]


def test_two_vectors_of_a_new_bundle_come_into_the_score_and_a_bad_one_is_a_dead_letter(scorer: Scorer) -> None:
    scorer.land("MB-1", clinical_json(stage="M1"))
    for block, values in (("blood", {"hb": 10.0}), ("texture", {"t1": 1.0})):
        scorer.land_vector("MB-1", block, vector_json(block, **values))
    scorer.settle()
    assert [remark["code"] for remark in scorer.last("MB-1")["remarks"]] == ["unknown_block"] * 2
    promote(scorer.store, write_vector_bundle(scorer.folder / "vectors"))
    scorer.producer.send([announcement(Home(BUCKET), model_keys.CURRENT_BUNDLE)])
    scorer.settle()
    assert (scorer.last("MB-1")["model"], scorer.last("MB-1")["remarks"]) == ("fused", [])
    scorer.land_vector("MB-1", "blood", vector_json("blood", hb="high"))
    scorer.settle()
    (letter,) = scorer.bus.records(topics.DEAD_LETTERS)
    assert letter.headers["medulla-reason"] == "bad_vectors"
    rejection = SlideRejected.FromString(scorer.bus.records(topics.SLIDES_REJECTED)[-1].value)
    assert (rejection.case_id, rejection.object_key) == ("MB-1", "vectors/MB-1/blood.json")
    assert scorer.last("MB-1")["model"] == "clinical"
    assert scorer.last("MB-1")["modalities_left_aside"] == ["MRI texture"]


def test_a_poison_message_delays_nothing(scorer: Scorer) -> None:
    event = to_record(store_slide(scorer.store, "MB-1", "A", features((0, 2))), "embedder")
    poison = type(event)(event.topic, event.key, b"\xff\xff", event.headers)
    scorer.producer.send([poison, event])
    scorer.settle()
    assert scorer.scores("MB-1")
    (letter,) = scorer.bus.records(topics.DEAD_LETTERS)
    assert letter.headers["medulla-reason"] == "poison_message"


def test_the_sweep_finds_a_record_that_no_event_announced(scorer: Scorer) -> None:
    scorer.store.put("clinical/MB-7.json", clinical_json("MB-7", stage="M1"))
    landing = on_landing(scorer.store, scorer.bundles, scorer.producer)
    sweep = Sweep(landing.unseen_inputs, scorer.producer, Home(BUCKET), PREFIXES)
    assert sweep()[keys.CLINICAL] == 1
    scorer.settle()
    assert scorer.last("MB-7")["model"] == "clinical"
    assert sweep().total() == 0


def test_cases_that_came_before_any_bundle_are_scored_once_one_is_promoted(tmp_path: Path) -> None:
    scorer = Scorer(tmp_path)
    with scorer.running():
        scorer.embed("MB-1", "A", (0, 2))
        scorer.settle()
        assert not scorer.scores("MB-1")
        assert not scorer.bus.records(topics.DEAD_LETTERS)
        scorer.promote("toy")
        scorer.settle()
        assert scorer.scores("MB-1")


class _TokenVerifier:
    """Knows three people by their tokens."""

    def verify(self, token: str) -> Principal:
        roles = {"viewer-token": {"viewer"}, "operator-token": {"operator"}, "guest-token": {"guest"}}
        if token not in roles:
            raise UnauthenticatedError("nobody we know")
        return Principal(token, frozenset(roles[token]))


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Callable[[ScoreCaseRequest, str], str]]:
    scorer = Scorer(tmp_path)
    scorer.promote("toy")
    store_slide(scorer.store, "MB-1", "A", features((0, 2)))
    scorer.store.put("cases/MB-1/clinical.json", b"{}")
    what_if = WhatIf(scorer.store, scorer.bundles, "0.0")
    server = GrpcServer(
        "127.0.0.1:0",
        lambda target: add_ScorerServiceServicer_to_server(ScorerServicer(what_if), target),
        interceptors=[require_role(_TokenVerifier(), {"viewer", "operator"})],
    )
    stop = Event()
    thread = Thread(target=server.run, args=(stop,))
    thread.start()
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = ScorerServiceStub(channel)

        def call(request: ScoreCaseRequest, token: str) -> str:
            sent = (("authorization", f"Bearer {token}"),) if token else ()
            return str(stub.ScoreCase(request, metadata=sent, timeout=10, wait_for_ready=True).score.model)

        yield call
    stop.set()
    thread.join(10)


WHAT_IF = ScoreCaseRequest(case_id="MB-1", clinical_json=clinical_json(stage="M1").decode())


@pytest.mark.parametrize("token", ["viewer-token", "operator-token"])
def test_viewers_and_operators_may_ask_what_if(ask: Callable[[ScoreCaseRequest, str], str], token: str) -> None:
    assert ask(WHAT_IF, token) == "clinical"


@pytest.mark.parametrize(
    ("token", "request_", "code", "reason"),
    [
        ("", WHAT_IF, grpc.StatusCode.UNAUTHENTICATED, None),
        ("forged", WHAT_IF, grpc.StatusCode.UNAUTHENTICATED, None),
        ("guest-token", WHAT_IF, ForbiddenError.grpc_code, None),
        ("viewer-token", ScoreCaseRequest(case_id="MB-9"), grpc.StatusCode.NOT_FOUND, "not_found"),
        (
            "viewer-token",
            ScoreCaseRequest(case_id="MB-1", clinical_json='{"stage": "M9"}'),
            grpc.StatusCode.INVALID_ARGUMENT,
            "bad_clinical_record",
        ),
    ],
)
def test_others_and_bad_questions_are_refused_with_a_code(
    ask: Callable[[ScoreCaseRequest, str], str],
    token: str,
    request_: ScoreCaseRequest,
    code: grpc.StatusCode,
    reason: str | None,
) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        ask(request_, token)
    assert caught.value.code() == code
    rejection: list[Any] = [item.value for item in caught.value.trailing_metadata() if item.key == "medulla-reason"]
    assert rejection == ([reason] if reason else [])
