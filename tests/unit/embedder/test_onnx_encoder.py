"""The encoder in process: the same bytes whatever the batch."""

from typing import Any

import numpy as np
import pytest

from services.embedder import known_tile
from services.embedder.errors import EncoderMismatchError
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.shipped_encoder import DEFAULT_ENCODER


@pytest.fixture(scope="module")
def encoder() -> OnnxEncoder:
    return OnnxEncoder(DEFAULT_ENCODER, threads=2)


def test_the_encoder_that_ships_gives_its_known_answer(encoder: OnnxEncoder) -> None:
    known_tile.check(encoder)


@pytest.mark.skipif("CUDAExecutionProvider" in __import__("onnxruntime").get_available_providers(), reason="on CPU")
def test_a_tile_gives_the_same_bytes_in_batches_of_1_7_and_64(encoder: OnnxEncoder) -> None:
    tiles = np.random.default_rng(1).integers(0, 256, (64, 256, 256, 3), np.uint8)
    tiles[5] = known_tile.known_tile(256)
    whole = OnnxEncoder(DEFAULT_ENCODER, threads=2, run=64).embed(tiles)
    in_batches_of_seven = OnnxEncoder(DEFAULT_ENCODER, threads=1, run=7).embed(tiles)
    single = encoder.embed(tiles[5:6])
    assert whole.tobytes() == in_batches_of_seven.tobytes() == encoder.embed(tiles).tobytes()
    assert whole[5].tobytes() == single[0].tobytes()


def test_no_tiles_give_no_features(encoder: OnnxEncoder) -> None:
    assert encoder.embed(np.empty((0, 256, 256, 3), np.uint8)).shape == (0, 1280)


@pytest.mark.parametrize("tiles", [np.zeros((1, 224, 224, 3), np.uint8), np.zeros((1, 256, 256, 3), np.float32)])
def test_tiles_of_another_shape_or_type_are_refused(encoder: OnnxEncoder, tiles: Any) -> None:
    with pytest.raises(EncoderMismatchError, match=r"takes uint8 tiles \[n, 256, 256, 3\]"):
        encoder.embed(tiles)
