"""The scorer as an operator starts it, on a real broker and a real object store."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
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


@dataclass(frozen=True)
class ScorerProcess:
    """A running scorer, its store, what it published, its gRPC port, and two cases."""

    store: S3Store
    recorder: Recorder
    port: int
    good: str
    bad: str

    def land_records(self) -> None:
        """A record of each case, one of them refused; returns once the refusal is published."""
        self.store.put(f"clinical/{self.good}.json", clinical_json(self.good, stage="M1"))
        self.store.put(f"clinical/{self.bad}.json", clinical_json(self.bad, stage="M9"))
        eventually(lambda: _reasons(self.recorder) == {"bad_clinical_record"})


@pytest.fixture
def scorer(kafka: KafkaPart, minio: MinioPart, tmp_path: Path) -> Iterator[ScorerProcess]:
    """A started scorer with the bundle `one` promoted, and a recorder of what it publishes of two cases."""
    bucket, (health, port) = minio.bucket(), free_ports(2)
    minio.announce(bucket)
    store = S3Store(s3_settings(minio, bucket))
    cases = f"{bucket[-12:]}-good", f"{bucket[-12:]}-bad"
    recorder = Recorder(lambda delivery: delivery.record.key in cases)
    promote(store, write_bundle(tmp_path / "one", entries={"name": "one"}))
    process = Service("fusion_scorer", tmp_path, health, _settings(kafka, minio, bucket, port))
    process.start()
    try:
        with running(consume(_reader(kafka, bucket), recorder)):
            yield ScorerProcess(store, recorder, port, *cases)
    finally:
        process.program.stop()


def test_records_that_land_are_scored_or_refused_and_promotion_scores_again(
    scorer: ScorerProcess, tmp_path: Path
) -> None:
    scorer.land_records()
    eventually(lambda: _bundles(scorer.store, scorer.recorder) == {"one"})
    promote(scorer.store, write_bundle(tmp_path / "two", entries={"name": "two"}))
    eventually(lambda: _bundles(scorer.store, scorer.recorder) == {"one", "two"})
    scores = _scores(scorer.store, scorer.recorder)
    assert {score["case_id"] for score in scores} == {scorer.good}
    assert len({score["score_id"] for score in scores}) == len(scores) == 2
    assert _reasons(scorer.recorder) == {"bad_clinical_record"}


def test_vectors_that_land_are_scored_or_refused_and_asked_what_if(scorer: ScorerProcess, tmp_path: Path) -> None:
    scorer.land_records()
    promote(scorer.store, write_vector_bundle(tmp_path / "three", "three"))
    scorer.store.put(f"vectors/{scorer.good}/blood.json", vector_json("blood", scorer.good, hb=10))
    scorer.store.put(f"vectors/{scorer.bad}/blood.json", vector_json("blood", scorer.bad, hb="high"))
    eventually(lambda: _reasons(scorer.recorder) == {"bad_clinical_record", "bad_vectors"})
    eventually(lambda: "clinical_blood" in _models(scorer.store, scorer.recorder))
    request = ScoreCaseRequest(
        case_id=scorer.good,
        clinical_json=clinical_json(scorer.good, stage="M0").decode(),
        vectors_json={"texture": vector_json("texture", scorer.good, t1=1).decode()},
    )
    with closing(channel(f"127.0.0.1:{scorer.port}")) as opened:
        with_both = ScorerServiceStub(opened).ScoreCase(request, timeout=_PATIENCE_S)
        request.without_vectors.append("blood")
        without_blood = ScorerServiceStub(opened).ScoreCase(request, timeout=_PATIENCE_S)
    assert (with_both.score.model, without_blood.score.model) == ("fused", "clinical")


def _settings(kafka: KafkaPart, minio: MinioPart, bucket: str, port: int) -> dict[str, str]:
    return {
        "MEDULLA_KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap,
        "MEDULLA_S3__ENDPOINT_URL": minio.endpoint,
        "MEDULLA_S3__ACCESS_KEY_ID": minio.access_key,
        "MEDULLA_S3__SECRET_ACCESS_KEY": minio.secret_key,
        "MEDULLA_S3__BUCKET": bucket,
        "SCORER_GRPC_ADDRESS": f"127.0.0.1:{port}",
    }


def _reader(kafka: KafkaPart, group: str) -> KafkaConsumerAdapter:
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap)
    return KafkaConsumerAdapter(settings, group, [*topics.SCORED, topics.SLIDES_REJECTED])


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
    records = [item.record for item in recorder.deliveries if item.record.topic in topics.SCORED]
    keys = {decoder(CaseScored)(record).score_key for record in records}
    return [json.loads(store.get(key)) for key in keys]
