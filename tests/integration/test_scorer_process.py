"""The scorer as an operator starts it, on a real broker and a real object store."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

from medulla.v1.events_pb2 import CaseScored, SlideRejected
from medulla.v1.scorer_pb2 import ScoreCaseRequest
from medulla.v1.scorer_pb2_grpc import ScorerServiceStub

from services.fusion_scorer.promoted import promote
from shared.blob.s3 import S3Store
from shared.bus import topics
from shared.bus.events import decoder
from shared.bus.kafka import KafkaConsumerAdapter
from shared.rpc.client import channel
from shared.settings import KafkaSettings
from tests.stack.process import free_ports
from tests.stack.services import Service
from tests.support.bus import Recorder, consume, running
from tests.support.fusion import clinical_json, write_bundle
from tests.support.object_stores import s3_settings
from tests.support.parts import KafkaPart, MinioPart
from tests.support.polling import eventually
from tests.support.vector_bundle import vector_json, write_vector_bundle

_PATIENCE_S = 60


def test_records_that_land_are_scored_or_refused_and_promotion_scores_again(
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
        "SCORER_GRPC_ADDRESS": f"127.0.0.1:{port}",
    }
    store = S3Store(s3_settings(minio, bucket))
    good, bad = f"{bucket[-12:]}-good", f"{bucket[-12:]}-bad"
    recorder = Recorder(lambda delivery: delivery.record.key in {good, bad})
    reader = KafkaConsumerAdapter(
        KafkaSettings(bootstrap_servers=kafka.bootstrap), bucket, [topics.CASES_SCORED, topics.SLIDES_REJECTED]
    )
    promote(store, write_bundle(tmp_path / "one", entries={"name": "one"}))
    scorer = Service("fusion_scorer", tmp_path, health, settings)
    scorer.start()
    try:
        with running(consume(reader, recorder)):
            store.put(f"clinical/{good}.json", clinical_json(good, stage="M1"))
            store.put(f"clinical/{bad}.json", clinical_json(bad, stage="M9"))
            eventually(lambda: _reasons(recorder) == {"bad_clinical_record"})
            eventually(lambda: _bundles(store, recorder) == {"one"})
            promote(store, write_bundle(tmp_path / "two", entries={"name": "two"}))
            eventually(lambda: _bundles(store, recorder) == {"one", "two"})
            promote(store, write_vector_bundle(tmp_path / "three", "three"))
            store.put(f"vectors/{good}/blood.json", vector_json("blood", good, hb=10))
            store.put(f"vectors/{bad}/blood.json", vector_json("blood", bad, hb="high"))
            eventually(lambda: _reasons(recorder) == {"bad_clinical_record", "bad_vectors"})
            eventually(lambda: "clinical_blood" in _models(store, recorder))
        with closing(channel(f"127.0.0.1:{port}")) as opened:
            request = ScoreCaseRequest(
                case_id=good,
                clinical_json=clinical_json(good, stage="M0").decode(),
                vectors_json={"texture": vector_json("texture", good, t1=1).decode()},
            )
            with_both = ScorerServiceStub(opened).ScoreCase(request, timeout=_PATIENCE_S)
            request.without_vectors.append("blood")
            without_blood = ScorerServiceStub(opened).ScoreCase(request, timeout=_PATIENCE_S)
        assert (with_both.score.model, without_blood.score.model) == ("fused", "clinical")
    finally:
        scorer.program.stop()


def _reasons(recorder: Recorder) -> set[str]:
    """Why records were refused so far."""
    records = [item.record for item in recorder.deliveries if item.record.topic == topics.SLIDES_REJECTED]
    return {decoder(SlideRejected)(record).reason for record in records}


def _bundles(store: S3Store, recorder: Recorder) -> set[str]:
    """Names of the bundles that scores were made with so far."""
    return {score["provenance"]["bundle_name"] for score in _scores(store, recorder)}


def _models(store: S3Store, recorder: Recorder) -> set[str]:
    """Models that gave a score so far."""
    return {score["model"] for score in _scores(store, recorder)}


def _scores(store: S3Store, recorder: Recorder) -> list[dict[str, Any]]:
    records = [item.record for item in recorder.deliveries if item.record.topic == topics.CASES_SCORED]
    keys = {decoder(CaseScored)(record).score_key for record in records}
    return [json.loads(store.get(key)) for key in keys]
