"""The tiler as an operator starts it, on a real broker and a real object store."""

from contextlib import closing
from pathlib import Path

import grpc
from medulla.v1.events_pb2 import SlideRejected, SlideTiled
from medulla.v1.tiles_pb2 import StreamTilesRequest, StreamTilesResponse
from medulla.v1.tiles_pb2_grpc import TileServiceStub

from shared.blob.s3 import S3Store
from shared.bus import topics
from shared.bus.events import decoder
from shared.bus.kafka import KafkaConsumerAdapter
from shared.rpc.client import channel
from shared.settings import KafkaSettings
from tests.support.bus import Recorder, consume, eventually, running
from tests.support.object_stores import s3_settings
from tests.support.parts import KafkaPart, MinioPart
from tests.support.slides import cc0_bytes, without_mpp
from tests.support.stack.process import free_ports
from tests.support.stack.services import Service

_PATIENCE_S = 120
_TOPICS = (topics.SLIDES_TILED, topics.SLIDES_REJECTED)


def test_a_slide_put_into_the_bucket_is_planned_and_its_tiles_are_served(
    kafka: KafkaPart, minio: MinioPart, tmp_path: Path
) -> None:
    bucket, (health, port) = minio.bucket(), free_ports(2)
    minio.announce(bucket)
    settings = {
        "MEDULLA_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "MEDULLA_S3__ENDPOINT_URL": minio.endpoint,
        "MEDULLA_S3__ACCESS_KEY_ID": minio.access_key,
        "MEDULLA_S3__SECRET_ACCESS_KEY": minio.secret_key,
        "MEDULLA_S3__BUCKET": bucket,
        "TILER_ADDRESS": f"127.0.0.1:{port}",
        "TILER_SCRATCH__FOLDER": str(tmp_path / "scratch"),
    }
    tiler = Service("tiler", tmp_path, health, settings)
    store = S3Store(s3_settings(minio, bucket))
    case = bucket[-12:]
    said = Recorder(lambda delivery: delivery.record.key == case)
    reader = KafkaConsumerAdapter(KafkaSettings(bootstrap_servers=kafka.bootstrap), bucket, _TOPICS)
    tiler.start()
    try:
        with running(consume(reader, said)):
            store.put(f"slides/{case}/good.svs", cc0_bytes())
            store.put(f"slides/{case}/silent.svs", without_mpp())
            eventually(lambda: {delivery.record.topic for delivery in said.seen} == set(_TOPICS))
        records = {delivery.record.topic: delivery.record for delivery in said.seen}
        tiled = decoder(SlideTiled)(records[topics.SLIDES_TILED])
        assert decoder(SlideRejected)(records[topics.SLIDES_REJECTED]).reason == "no_resolution"
        with closing(channel(f"127.0.0.1:{port}")) as opened:
            chunks = [answer.chunk for answer in _ask(opened, tiled)]
        assert [tile for chunk in chunks for tile in chunk.tiles] == list(range(38))
    finally:
        tiler.program.stop()
    assert not list((tmp_path / "scratch").iterdir())


def _ask(opened: grpc.Channel, tiled: SlideTiled) -> list[StreamTilesResponse]:
    request = StreamTilesRequest(slide=tiled.slide, plan=tiled.plan)
    return list(TileServiceStub(opened).StreamTiles(request, timeout=_PATIENCE_S))
