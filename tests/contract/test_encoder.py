"""One suite on the encoder in process, a fine-tuned one, and a real Triton, over gRPC and over shared memory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from services.embedder import known_tile
from services.embedder.batcher import Batcher, Batching
from services.embedder.errors import EncoderMismatchError
from services.embedder.export import EncoderCard, write_encoder
from services.embedder.manifest import read_manifest, read_model
from services.embedder.onnx_encoder import OnnxEncoder
from services.embedder.ports import Encoder, Features, Tiles
from services.embedder.shipped_encoder import DEFAULT_ENCODER
from services.embedder.triton_encoder import TritonEncoder
from tests.stack.triton import Triton
from tests.support.missing import optional_library

LARGEST_DIFFERENCE = 1e-4


def made_up_tiles() -> Tiles:
    """Eleven tiles: the known one, flat ones, noise and gradients."""
    tiles = np.random.default_rng(7).integers(0, 256, (11, 256, 256, 3), np.uint8)
    tiles[0] = known_tile.known_tile(256)
    tiles[1], tiles[2] = 0, 255
    tiles[3] = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    return tiles


@pytest.fixture(scope="module")
def tiles() -> Tiles:
    return made_up_tiles()


ON_TRITON = [pytest.param(name, marks=pytest.mark.real) for name in ("triton_grpc", "triton_shared_memory")]


@pytest.fixture(scope="module", params=["in_process", "finetuned", *ON_TRITON])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return finetuned(tmp_path_factory.mktemp("finetuned")) if kind == "finetuned" else DEFAULT_ENCODER


def finetuned(folder: Path) -> Path:
    """The default encoder with other weights in its last layers, written as fine-tuning writes them."""
    optional_library("torch", "train")
    from torch import from_numpy  # noqa: PLC0415 - optional

    from services.trainer.finetune.export import exported  # noqa: PLC0415 - needs torch
    from services.trainer.finetune.network import Encoder  # noqa: PLC0415

    manifest = read_manifest(DEFAULT_ENCODER)
    encoder = Encoder(read_model(DEFAULT_ENCODER, manifest))
    encoder.train_last(0.1)
    encoder.load_weights({name: value * 1.1 for name, value in encoder.weights().items()})
    model, _ = exported(encoder, from_numpy(made_up_tiles()[:2]))
    write_encoder(model, EncoderCard("tuned", "1", "tests", "Apache-2.0", "Made for tests."), folder)
    assert read_manifest(folder).digest != manifest.digest
    return folder


@pytest.fixture(scope="module")
def expected(tiles: Tiles, folder: Path) -> Features:
    return OnnxEncoder(folder, threads=2).embed(tiles)


@pytest.fixture(scope="module")
def encoder(request: pytest.FixtureRequest, kind: str, folder: Path) -> Iterator[Encoder]:
    if not kind.startswith("triton"):
        yield OnnxEncoder(folder, threads=2)
        return
    server = cast("Triton", request.getfixturevalue("triton"))
    shared = kind == "triton_shared_memory"
    with TritonEncoder(read_manifest(DEFAULT_ENCODER), server.url, shared, batch=4, in_flight=3) as on_triton:
        on_triton.wait_until_ready(60)
        yield on_triton


def test_it_gives_the_known_answer(encoder: Encoder) -> None:
    known_tile.check(encoder)


def test_it_gives_the_numbers_of_the_encoder_in_process(encoder: Encoder, tiles: Tiles, expected: Features) -> None:
    features = encoder.embed(tiles)
    assert features.dtype == np.float32
    assert features.shape == (11, 1280)
    assert np.abs(features - expected).max() <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("step", [1, 3, 7])
def test_what_a_tile_gives_does_not_depend_on_its_neighbours(encoder: Encoder, tiles: Tiles, step: int) -> None:
    parts = [encoder.embed(tiles[start : start + step]) for start in range(0, len(tiles), step)]
    assert np.abs(np.concatenate(parts) - encoder.embed(tiles)).max() <= LARGEST_DIFFERENCE


def test_no_tiles_give_no_features(encoder: Encoder) -> None:
    assert encoder.embed(np.empty((0, 256, 256, 3), np.uint8)).shape == (0, 1280)


def test_an_answer_stays_as_it_is_when_the_next_one_comes(encoder: Encoder, tiles: Tiles) -> None:
    first = encoder.embed(tiles[:2])
    kept = first.copy()
    encoder.embed(tiles[2:4])
    assert np.array_equal(first, kept)


def test_tiles_need_not_lie_in_one_piece_of_memory(encoder: Encoder, tiles: Tiles, expected: Features) -> None:
    features = encoder.embed(tiles[::2])
    assert np.abs(features - expected[::2]).max() <= LARGEST_DIFFERENCE


def test_many_threads_each_get_their_own_answer(encoder: Encoder, tiles: Tiles, expected: Features) -> None:
    with ThreadPoolExecutor(6) as callers:
        answers = list(callers.map(lambda at: encoder.embed(tiles[at : at + 1]), range(11)))
    assert np.abs(np.concatenate(answers) - expected).max() <= LARGEST_DIFFERENCE


def test_slides_that_share_batches_get_their_own_answers(encoder: Encoder, tiles: Tiles, expected: Features) -> None:
    with Batcher(encoder, Batching(4, in_flight=2)) as batcher, ThreadPoolExecutor(4) as callers:

        def embed(at: int) -> Features:
            return batcher.embed(tiles[at : at + 3])

        answers = list(callers.map(embed, [0, 3, 6, 8]))
    parts = [expected[at : at + 3] for at in (0, 3, 6, 8)]
    for answer, features in zip(answers, parts, strict=True):
        assert np.abs(answer - features).max() <= LARGEST_DIFFERENCE


@pytest.mark.parametrize("wrong", [(1, 224, 224, 3), (1, 256, 256, 4)])
def test_tiles_of_another_shape_are_refused(encoder: Encoder, wrong: tuple[int, ...]) -> None:
    with pytest.raises(EncoderMismatchError, match="takes uint8 tiles"):
        encoder.embed(np.zeros(wrong, np.uint8))
