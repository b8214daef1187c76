"""The embedder between a bus, a tiler behind gRPC and a store: events in, events out."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

import grpc
import pytest
from medulla.v1.events_pb2 import SlideEmbedded, SlideRejected, SlideTiled
from medulla.v1.tiles_pb2 import StreamTilesRequest, StreamTilesResponse
from medulla.v1.tiles_pb2_grpc import add_TileServiceServicer_to_server

from services.embedder.batcher import Batcher, Batching
from services.embedder.chunks import CheckedTiles
from services.embedder.events import SERVICE
from services.embedder.grpc_tile_source import GrpcTileSource, Patience
from services.embedder.handler import EmbedSlide
from services.embedder.routes import routes
from shared.blob.memory import MemoryStore
from shared.bus import topics
from shared.bus.events import decoder, to_record
from shared.bus.memory import MemoryBus
from shared.bus.retry import RetryPolicy
from shared.errors import PermanentError
from shared.route import subscriptions
from shared.rpc.client import channel
from shared.rpc.server import GrpcServer
from shared.worker import Worker
from tests.support.bus import running
from tests.support.embedding import FakeEncoder, FakeTileSource, planned
from tests.support.polling import wait_for
from tests.support.rpc import OnlyStreams


class UnreadableError(PermanentError):
    """A slide that the tiler cannot read."""

    reason = "unreadable_slide"
    advice = "Scan it again."


class Tiler(OnlyStreams):
    """Streams the tiles of a FakeTileSource; every stream breaks after its first chunk, slide `bad` is unreadable."""

    def StreamTiles(  # noqa: N802 - the method's name in the proto
        self, request: StreamTilesRequest, _: grpc.ServicerContext
    ) -> Iterator[StreamTilesResponse]:
        if request.slide.slide_id == "bad":
            raise UnreadableError("slide bad cannot be read")
        source = FakeTileSource(
            corrupt=frozenset(range(9) if request.slide.slide_id == "torn" else ()), breaks_at=request.first_chunk + 1
        )
        for chunk in source.chunks(request.slide, request.plan, request.first_chunk):
            yield StreamTilesResponse(chunk=chunk)


class Environment:
    """Bus, store and encoder of a running embedder."""

    def __init__(self) -> None:
        self.bus = MemoryBus()
        self.store = MemoryStore()
        self.encoder = FakeEncoder()

    def tile(self, *events: SlideTiled) -> None:
        self.bus.producer().send([to_record(event, "tiler") for event in events])

    def embedded(self) -> list[SlideEmbedded]:
        return [decoder(SlideEmbedded)(record) for record in self.bus.records(topics.SLIDES_EMBEDDED)]

    def rejected(self) -> list[SlideRejected]:
        return [decoder(SlideRejected)(record) for record in self.bus.records(topics.SLIDES_REJECTED)]


@contextmanager
def embedder(environment: Environment, address: str) -> Iterator[None]:
    patience = Patience(tries=2)
    with closing(channel(address)) as opened, Batcher(environment.encoder, Batching(8)) as batcher:
        source = GrpcTileSource(opened, patience, sleep=lambda _: None)
        served = routes(EmbedSlide(CheckedTiles(source), batcher, environment.store, lambda _: None))
        consumer = environment.bus.consumer(SERVICE, subscriptions(SERVICE, served))
        worker = Worker(SERVICE, consumer, environment.bus.producer(), served, RetryPolicy(base_s=0.01, cap_s=0.05))
        with running(worker.run):
            yield


@pytest.fixture
def environment() -> Iterator[Environment]:
    server = GrpcServer("127.0.0.1:0", lambda grpc_server: add_TileServiceServicer_to_server(Tiler(), grpc_server))
    created = Environment()
    with running(server.run), embedder(created, f"127.0.0.1:{server.port}"):
        yield created


def test_a_tiled_slide_is_embedded_over_streams_that_break(environment: Environment) -> None:
    event = planned(environment.store, tiles=18)
    environment.tile(event)
    assert wait_for(lambda: len(environment.embedded()) == 1, 30)
    embedded = environment.embedded()[0]
    assert (embedded.slide.slide_id, embedded.bag.tiles) == ("s1", 18)
    assert environment.store.head(embedded.bag.key) is not None


def test_an_event_that_comes_three_times_says_the_same_three_times(environment: Environment) -> None:
    event = planned(environment.store, tiles=6)
    environment.tile(event, event, event)
    assert wait_for(lambda: len(environment.embedded()) == 3, 30)
    assert environment.embedded()[0] == environment.embedded()[1] == environment.embedded()[2]
    assert sum(environment.encoder.batches) == 6


@pytest.mark.parametrize(
    ("name", "reason", "sentence"),
    [
        ("bad", "unreadable_slide", "slide bad cannot be read"),
        ("torn", "too_many_corrupt_tiles", "slide case-1/torn: 4 or more of 18 tiles are corrupt, allowed are 5%"),
    ],
)
def test_a_slide_that_is_refused_leaves_a_dead_letter_and_the_next_one_passes(
    environment: Environment, name: str, reason: str, sentence: str
) -> None:
    environment.tile(planned(environment.store, tiles=18, name=name), planned(environment.store, tiles=3, name="good"))
    assert wait_for(lambda: len(environment.embedded()) == 1 and len(environment.rejected()) == 1, 30)
    refusal = environment.rejected()[0]
    assert (refusal.slide_id, refusal.reason, refusal.sentence, refusal.service) == (name, reason, sentence, "embedder")
    assert refusal.advice
    assert [record.headers["medulla-reason"] for record in environment.bus.records(topics.DEAD_LETTERS)] == [reason]
    assert environment.embedded()[0].slide.slide_id == "good"


def test_a_plan_for_another_encoder_is_an_encoder_mismatch(environment: Environment) -> None:
    event = planned(environment.store, tiles=3)
    event.plan.tile_px = 512
    environment.tile(event)
    assert wait_for(lambda: len(environment.rejected()) == 1, 30)
    assert environment.rejected()[0].reason == "encoder_mismatch"


def test_a_tiler_that_is_down_is_waited_for() -> None:
    environment = Environment()
    event = planned(environment.store, tiles=3)
    environment.tile(event)
    with embedder(environment, "127.0.0.1:1"):
        assert wait_for(lambda: len(environment.bus.records(topics.retry_topic(SERVICE))) >= 2, 60)
    assert not environment.embedded()
    assert not environment.rejected()
