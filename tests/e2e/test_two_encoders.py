"""A second encoder beside the first: stored slides are embedded by it too, and each bundle reads its own bags."""

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.structs import OffsetAndMetadata
from typer.testing import CliRunner

from services.embedder.bag_store import MANIFEST_FILE
from services.embedder.export import EncoderCard, wrap_encoder
from services.embedder.graph import Preparation
from services.embedder.manifest import EncoderManifest, read_manifest
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.standalone.app import app
from shared.bus import topics
from tests.stack.process import free_ports
from tests.stack.services import Service
from tests.support import slides
from tests.support.fusion import mil, parts, write_bundle
from tests.support.networks import small_network
from tests.support.polling import wait_for
from tests.support.system import DEMO_BUNDLE, PATIENCE_S, RealParts, System, running, scored_by

GROUP = "embedder-tiny"
CARD = EncoderCard("tiny", "1", "tests", "Apache-2.0", "Nobody's.\n", tile_px=64, tile_um=128.0)
GRID = {"tile_px": 64, "tile_um": 128.0}
FIRST = read_manifest(DEFAULT_ENCODER)


@pytest.fixture(scope="module")
def system(real_parts: RealParts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    settings = {
        "tiler": {"TILER_FURTHER_GRIDS": json.dumps([GRID])},
        "embedder": {"EMBEDDER_OTHER_GRIDS": "pass"},
    }
    with running(real_parts, tmp_path_factory.mktemp("pair"), topics.S3_EVENTS, settings=settings) as system:
        yield system


@pytest.fixture
def tiny(tmp_path: Path) -> EncoderManifest:
    """An encoder of the mean colour, for the second grid."""
    preparation = Preparation(mean=(200.0, 170.0, 200.0), std=(100.0, 100.0, 100.0))
    return wrap_encoder(small_network(tmp_path / "net.onnx", CARD.tile_px), preparation, CARD, tmp_path / "tiny")


@pytest.fixture
def second(system: System, tiny: EncoderManifest, tmp_path: Path) -> Iterator[Service]:
    """Its embedder, not yet started."""
    system.parts.kafka.create_topics(topics.retry_topic(GROUP))
    environment = {
        **system.services["embedder"].environment,
        "EMBEDDER_GROUP": GROUP,
        "EMBEDDER_ENCODER": str(tmp_path / tiny.name),
        "EMBEDDER_TRITON_URL": "",
        "EMBEDDER_SWEEP_AFTER_S": "0",
    }
    (port,) = free_ports(1)
    service = replace(
        system.services["embedder"], folder=tmp_path / "second", health_port=port, environment=environment
    )
    yield service
    service.stop()


@pytest.fixture
def tiny_bundle(tiny: EncoderManifest, tmp_path: Path) -> Path:
    """A bundle that reads the features of the second encoder."""
    embedding = {"mean": [0, 0, 0], "axes": [[1, 0, 0]], "spread": [1], "residual": 1}
    reference = {**parts()["reference.json"], "embedding": {**embedding, "limits": {"flag": 3, "abstain": 6}}}
    changed = {"mil.onnx": mil(width=3), "reference.json": reference}
    entries = {"name": "tiny", "encoder": {"name": tiny.name, "digest": tiny.digest}}
    return write_bundle(tmp_path / "bundle", changed, entries)


def test_a_stored_case_is_scored_by_a_second_encoder_without_an_upload_although_its_embedder_is_killed(
    system: System, second: Service, tiny: EncoderManifest, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slide = slides.enlarged(tiny_bundle.with_name("large.tiff"), across=4, down=4)
    system.land_slide("PAIR-one", slide.read_bytes(), "slide.tiff")
    before = system.eventually("PAIR-one", scored_by("pathomics"))
    assert before["score"]["provenance"]["encoder_digest"] == FIRST.digest
    _forget_past(system)
    hanging = replace(second, module="tests.support.hanging_embedder")
    hanging.start()
    assert wait_for(lambda: _files(system, tiny), PATIENCE_S), "nothing was embedded"
    hanging.kill()
    assert MANIFEST_FILE not in _files(system, tiny)
    assert "1 case once the bundle's encoder has embedded their slides" in _promote(system, tiny_bundle, monkeypatch)
    assert system.case("PAIR-one")["score"]["score_id"] == before["score"]["score_id"]
    second.start()
    after = system.eventually("PAIR-one", _read_by(tiny.digest))
    assert _files(system, tiny) == {"bag.safetensors", MANIFEST_FILE}
    assert (after["score"]["model"], list(after["score"].get("left_out", []))) == ("pathomics", [])
    assert "every case is scored again" in _promote(system, DEMO_BUNDLE, monkeypatch)
    again = system.eventually("PAIR-one", _read_by(FIRST.digest))
    assert again["score"]["score_id"] == before["score"]["score_id"]


def _read_by(encoder: str) -> Any:
    """A case whose current score read bags of this encoder."""
    return lambda case: case.get("score", {}).get("provenance", {}).get("encoder_digest") == encoder


def _files(system: System, encoder: EncoderManifest) -> set[str]:
    """The parts, or the bag, that the encoder has made."""
    listed = [info.key for info in system.store.list("embeddings/") if f"/{encoder.digest}/" in info.key]
    return {key.rpartition("/")[2] for key in listed} - {"requested.json"}


def _promote(system: System, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Promote as an operator does; what the command says."""
    for name, value in system.surroundings.environment.items():
        monkeypatch.setenv(name, value)
    done = CliRunner().invoke(app, ["rescore", "--bundle", str(bundle), "--despite-reservations"])
    assert done.exit_code == 0, done.output
    return done.stdout


def _forget_past(system: System) -> None:
    """Let the group begin behind all that is planned, as if Kafka had kept none of it."""
    with closing(KafkaConsumer(bootstrap_servers=system.parts.kafka.bootstrap, group_id=GROUP)) as consumer:
        numbers = consumer.partitions_for_topic(topics.SLIDES_TILED) or set()
        ends = consumer.end_offsets([TopicPartition(topics.SLIDES_TILED, number) for number in numbers])
        consumer.assign(list(ends))
        consumer.commit({partition: OffsetAndMetadata(end, "", -1) for partition, end in ends.items()})
