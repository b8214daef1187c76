"""A small vision transformer, exported from torch, embeds in this process and through a real Triton alike."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from services.embedder.known_tile import check
from services.embedder.manifest import read_manifest
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.triton_encoder import TritonEncoder
from services.standalone.encoders.job import ExportJob
from services.standalone.encoders.torch_export import export_encoder, torch_network
from tests.stack.process import free_ports
from tests.stack.triton import Triton
from tests.support.recipes import small_vit

TOLERANCE = 1e-4
"""Largest difference of a feature; they are about 1."""


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    export_encoder(ExportJob(small_vit(), tmp_path / "encoder", "tests", random_seed=4, precision="float16"))
    return tmp_path / "encoder"


@pytest.fixture
def server(triton: Triton, encoder: Path, tmp_path: Path) -> Iterator[Triton]:  # noqa: ARG001 - where one runs, two do
    http, grpc, metrics = free_ports(3)
    second = Triton(tmp_path / "triton", http, grpc, metrics, encoder)
    second.start()
    yield second
    second.stop()


def test_a_transformer_gives_the_same_features_in_process_and_on_triton(encoder: Path, server: Triton) -> None:
    manifest = read_manifest(encoder)
    tiles = np.random.default_rng(1).integers(0, 256, (9, 40, 40, 3), np.uint8)
    with TritonEncoder(manifest, server.url, batch=4) as client:
        client.wait_until_ready(60)
        check(client)
        served = client.embed(tiles)
    assert served.shape == (9, 64)
    assert np.abs(served - OnnxEncoder(encoder).embed(tiles)).max() < TOLERANCE
    exact = torch_network(small_vit(), None, 4).embed(tiles)
    assert np.abs(served - exact).max() < 0.01 * np.linalg.norm(exact, axis=1).min()
