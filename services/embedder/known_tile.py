"""One tile that every encoder is asked about before it is trusted."""

import numpy as np
from numpy.typing import NDArray

from services.embedder.errors import UnknownEncoderError
from services.embedder.manifest import KnownAnswer
from services.embedder.ports import Encoder, Features, Tiles

FIRST_VALUES = 16


def known_tile(px: int) -> NDArray[np.uint8]:
    """The known tile, uint8 [px, px, 3]: pink ground with dark rings, from whole-number arithmetic alone."""
    y, x = np.mgrid[0:px, 0:px].astype(np.int64)
    rings = ((x - px // 2) ** 2 + (y - px // 3) ** 2) // 64 % 64
    weave = (x * 7 + y * 13) % 32
    return np.stack((230 - rings, 150 + weave - rings, 200 - weave), axis=-1).astype(np.uint8)


def answer_for(features: Features) -> KnownAnswer:
    """What a manifest remembers of the known tile's features, float32 [dim].

    Raises:
        UnknownEncoderError: they are all zero or not finite, as no working network's are.
    """
    values = features.astype(np.float64)
    if not 0 < np.linalg.norm(values) < np.inf:
        raise UnknownEncoderError("the network gives nothing but zeros, or no numbers, for the known tile")
    return KnownAnswer(first=tuple(values[:FIRST_VALUES].tolist()), norm=float(np.linalg.norm(values)))


def check(encoder: Encoder) -> None:
    """Embed the known tile and compare.

    Raises:
        UnknownEncoderError: the answer is wrong, so no other answer can be trusted.
    """
    manifest = encoder.manifest
    features = encoder.embed(_batch(manifest.input_px))
    if features.shape != (1, manifest.dim):
        raise UnknownEncoderError(
            f"encoder {manifest.name} gave features of shape {list(features.shape)}, not [1, {manifest.dim}]"
        )
    worst = _difference(features[0], manifest.known_answer)
    if not worst <= manifest.known_answer.tolerance:
        raise UnknownEncoderError(
            f"encoder {manifest.name} gave a wrong answer for the known tile: off by {worst:.2g} of the norm"
        )


def _batch(px: int) -> Tiles:
    return known_tile(px)[np.newaxis]


def _difference(features: NDArray[np.float32], answer: KnownAnswer) -> float:
    """Largest difference of the first values and of the norm, as a share of the norm; NaN where a feature is NaN."""
    values = features.astype(np.float64)
    first = values[: len(answer.first)] - np.array(answer.first)
    return float(np.max(np.abs([*first, np.linalg.norm(values) - answer.norm]))) / answer.norm
