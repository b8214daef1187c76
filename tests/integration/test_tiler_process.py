"""The tiler as an operator starts it, on a real broker and a real object store."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from medulla.v1.events_pb2 import SlideRejected, SlideTiled
from medulla.v1.tiles_pb2 import StreamTilesRequest, StreamTilesResponse
from medulla.v1.tiles_pb2_grpc import TileServiceStub

from shared.blob.s3 import S3Store
from shared.bus import topics
from shared.bus.events import decoder
from shared.bus.kafka import KafkaConsumerAdapter
from shared.bus.kafka_producer import KafkaProducerAdapter
from shared.bus.port import Record
from shared.bus.s3_events import announcement
from shared.home import Home
from shared.rpc.client import channel
from shared.settings import KafkaSettings
from tests.stack.process import free_ports
from tests.stack.services import Service
from tests.support.bus import Recorder, consume, running
from tests.support.object_stores import s3_settings
from tests.support.parts import KafkaPart, MinioPart
from tests.support.polling import eventually
from tests.support.slides import cc0_bytes, without_mpp
from tests.support.tiffs import write_whole_mount

_PATIENCE_S = 120
_LIMIT_S = 3.0
"""A small slide takes tenths of a second, and the slow one minutes."""
_TOPICS = (topics.SLIDES_TILED, topics.SLIDES_REJECTED)
_READ: Mapping[str, Callable[[Record], SlideTiled | SlideRejected]] = {
    topics.SLIDES_TILED: decoder(SlideTiled),
    topics.SLIDES_REJECTED: decoder(SlideRejected),
}


@pytest.mark.parametrize("prefix", ["", "north"])
def test_a_slide_put_into_the_bucket_is_planned_and_its_tiles_are_served(
    kafka: KafkaPart, minio: MinioPart, tmp_path: Path, prefix: str
) -> None:
    """With a prefix, also beside another installation's slides in the bucket, which the tiler passes over."""
    bucket, (health, port) = minio.bucket(), free_ports(2)
    minio.announce(bucket, beginnings=["slides/", "north/slides/", "south/slides/"])
    own, case = s3_settings(minio, bucket).model_copy(update={"prefix": prefix}), bucket[-12:]
    store, neighbour = S3Store(own), S3Store(own.model_copy(update={"prefix": "south"}))
    settings = {**_settings(kafka, minio, bucket, tmp_path), "TILER_ADDRESS": f"127.0.0.1:{port}"}
    settings["MEDULLA_S3__PREFIX"] = prefix
    with _started(Service("tiler", tmp_path, health, settings)), _recorded(kafka, case) as recorder:
        if prefix:
            neighbour.put(f"slides/{case}/theirs.svs", cc0_bytes())
        store.put(f"slides/{case}/good.svs", cc0_bytes())
        store.put(f"slides/{case}/silent.svs", without_mpp())
        eventually(lambda: {delivery.record.topic for delivery in recorder.deliveries} == set(_TOPICS))
        records = {delivery.record.topic: delivery.record for delivery in recorder.deliveries}
        tiled = decoder(SlideTiled)(records[topics.SLIDES_TILED])
        rejected = decoder(SlideRejected)(records[topics.SLIDES_REJECTED])
        assert (rejected.reason, rejected.object_key) == ("no_resolution", f"slides/{case}/silent.svs")
        with closing(channel(f"127.0.0.1:{port}")) as opened:
            chunks = [answer.chunk for answer in _ask(opened, tiled)]
        assert [tile for chunk in chunks for tile in chunk.tiles] == list(range(38))
        assert _events(recorder) == {tiled.event_id, rejected.event_id}
    assert not list((tmp_path / "scratch").iterdir())


@pytest.mark.parametrize(
    "limits", [{"PLAN_S": _LIMIT_S}, {"OVERVIEW_S": _LIMIT_S}, {"FIRST_TURN_S": 1.0, "PLAN_S": _LIMIT_S}]
)
def test_a_slide_that_takes_too_long_is_given_up_after_three_attempts_and_holds_up_no_other(
    limits: Mapping[str, float], kafka: KafkaPart, minio: MinioPart, tmp_path: Path
) -> None:
    bucket, (health, port) = minio.bucket(), free_ports(2)
    store, case = S3Store(s3_settings(minio, bucket)), bucket[-12:]
    own = {"TILER_ADDRESS": f"127.0.0.1:{port}"}
    own |= {f"TILER_LIMITS__{name}": f"{seconds:g}" for name, seconds in limits.items()}
    slow = write_whole_mount(tmp_path / "slow.tif", 600_000, 600_000, mpp=0.25, steps=(1,))
    slides = {"slow.tif": slow.read_bytes()} | {f"{n}.svs": cc0_bytes() + bytes([n]) for n in range(3)}
    service = Service("tiler", tmp_path, health, _settings(kafka, minio, bucket, tmp_path) | own)
    with _started(service), _recorded(kafka, case) as recorder:
        _announce_on_one_partition(kafka, store, bucket, {f"slides/{case}/{name}": slides[name] for name in slides})
        eventually(lambda: len(_events(recorder)) == 4)
        tiled, (rejected, *_) = ([each for each in recorder.deliveries if each.record.topic == t] for t in _TOPICS)
    refusal = decoder(SlideRejected)(rejected.record)
    assert (refusal.reason, refusal.slide_id) == ("crashed_worker", "slow.tif")
    assert f"took longer than {_LIMIT_S:g} s" in refusal.sentence
    assert {decoder(SlideTiled)(each.record).slide.slide_id for each in tiled} == {"0.svs", "1.svs", "2.svs"}
    assert max(each.written_at for each in tiled) < rejected.written_at - _LIMIT_S


def _settings(kafka: KafkaPart, minio: MinioPart, bucket: str, folder: Path) -> dict[str, str]:
    return {
        "MEDULLA_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "MEDULLA_S3__ENDPOINT_URL": minio.endpoint,
        "MEDULLA_S3__ACCESS_KEY_ID": minio.access_key,
        "MEDULLA_S3__SECRET_ACCESS_KEY": minio.secret_key,
        "MEDULLA_S3__BUCKET": bucket,
        "TILER_SCRATCH__FOLDER": str(folder / "scratch"),
    }


@contextmanager
def _started(tiler: Service) -> Iterator[None]:
    tiler.start()
    try:
        yield
    finally:
        tiler.program.stop()


@contextmanager
def _recorded(kafka: KafkaPart, case: str) -> Iterator[Recorder]:
    """What the tiler says about a case."""
    recorder = Recorder(lambda delivery: delivery.record.key == case)
    reader = KafkaConsumerAdapter(KafkaSettings(bootstrap_servers=kafka.bootstrap), f"of-{case}", _TOPICS)
    with running(consume(reader, recorder)):
        yield recorder


def _events(recorder: Recorder) -> set[str]:
    """The ids of what the tiler says: its first sweep may announce a slide beside the store, which repeats an event."""
    return {_READ[delivery.record.topic](delivery.record).event_id for delivery in recorder.deliveries}


def _announce_on_one_partition(kafka: KafkaPart, store: S3Store, bucket: str, slides: Mapping[str, bytes]) -> None:
    """Put slides, and announce them in their order under one key."""
    announced = [announcement(Home(bucket), key, store.put(key, data).etag) for key, data in slides.items()]
    producer = KafkaProducerAdapter(KafkaSettings(bootstrap_servers=kafka.bootstrap))
    with closing(producer):
        producer.send([replace(record, key=bucket) for record in announced])


def _ask(opened: grpc.Channel, tiled: SlideTiled) -> list[StreamTilesResponse]:
    request = StreamTilesRequest(slide=tiled.slide, plan=tiled.plan)
    return list(TileServiceStub(opened).StreamTiles(request, timeout=_PATIENCE_S))
