"""A wrong answer for the known tile stops everything."""

import hashlib

import numpy as np
import pytest

from services.embedder.errors import UnknownEncoderError
from services.embedder.known_tile import answer_for, check, known_tile
from services.embedder.ports import Features, Tiles
from tests.support.embedding import DIM, FakeEncoder


class TruthfulEncoder(FakeEncoder):
    """Answers as its manifest says, but for what is added to every value."""

    def __init__(self, off: float = 0.0) -> None:
        super().__init__()
        answer = answer_for(super().embed(known_tile(16)[np.newaxis])[0])
        self.manifest = self.manifest.model_copy(update={"known_answer": answer})
        self._off = off

    def embed(self, tiles: Tiles) -> Features:
        return super().embed(tiles) + np.float32(self._off)


def test_the_known_tile_never_changes() -> None:
    assert hashlib.sha256(known_tile(256).tobytes()).hexdigest() == (
        "33ef53d5ab8acea1fc366dc42af7e601196d39bae0159735d2ab8e1309bf2f17"
    )


@pytest.mark.parametrize("off", [0.0, 1e-4])
def test_the_right_answer_passes_with_the_roundings_of_another_device(off: float) -> None:
    check(TruthfulEncoder(off))


@pytest.mark.parametrize("off", [5.0, -5.0, float("nan"), float("inf")])
def test_a_wrong_answer_is_one_sentence(off: float) -> None:
    with pytest.raises(UnknownEncoderError, match="encoder moments gave a wrong answer for the known tile"):
        check(TruthfulEncoder(off))


def test_zeros_are_a_wrong_answer() -> None:
    encoder = TruthfulEncoder()
    encoder.embed = lambda tiles: np.zeros((len(tiles), DIM), np.float32)  # type: ignore[method-assign]  # a broken server
    with pytest.raises(UnknownEncoderError, match="wrong answer"):
        check(encoder)


def test_features_of_another_shape_are_a_wrong_answer() -> None:
    encoder = TruthfulEncoder()
    encoder.embed = lambda tiles: np.zeros((len(tiles), DIM + 1), np.float32)  # type: ignore[method-assign]  # a broken server
    with pytest.raises(UnknownEncoderError, match=r"shape \[1, 5\]"):
        check(encoder)
