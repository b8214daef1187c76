"""The classifier of tiles of a bundle: class probabilities of tiles, whose means are a block of vectors."""

from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from shared.arrays import Floats
from shared.model.manifest import EncoderRef
from shared.model.mil import Features
from shared.model.variable import Frozen
from shared.model.vector import Matrix, Vector
from shared.model.vector_model import ColumnName

TILE_CLASSIFIER = "tile-classifier.json"
MOST_CLASSES = 8
"""As many as people can tell apart by colour."""
_DIGITS = 6
_LEAST, _MOST = 1e-9, 1e9
"""Of a prevalence and the temperature; of a coefficient: within them every probability is a number."""
_AT_ONCE = 4096
"""Tiles that are classified in one step: bounds the memory that wide features take."""


@dataclass(frozen=True, eq=False)
class LinearClassifier:
    """Softmax of linear scores of d features, divided by a temperature."""

    coefficients: Floats
    """[classes, d], of raw features."""
    intercept: Floats
    """[classes]."""
    temperature: float

    def probabilities(self, features: Features) -> Floats:
        """Probability of each class [n, classes] if all classes were equally common."""
        return softmax(self.scores(features) / self.temperature)

    def scores(self, features: Features) -> Floats:
        """Linear scores [n, classes]."""
        scores = np.empty((len(features), len(self.intercept)))
        for start in range(0, len(features), _AT_ONCE):
            step = slice(start, start + _AT_ONCE)
            scores[step] = features[step] @ self.coefficients.T + self.intercept
        return scores


class BundleClassifier(Frozen):
    """tile-classifier.json: the classifier of all labelled patients, and the block that shares of its classes are."""

    version: Literal[1] = 1
    block: str
    """Of vectors, in the bundle's profile."""
    classes: tuple[ColumnName, ...] = Field(min_length=2, max_length=MOST_CLASSES)
    """Columns of the block."""
    encoder: EncoderRef
    """Must be the bundle's."""
    prevalence: Vector
    """[classes], how common each is among all tiles."""
    coefficients: Matrix
    """[classes, d]."""
    intercept: Vector
    """[classes]."""
    temperature: float = Field(ge=_LEAST)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        count = len(self.classes)
        if len(set(self.classes)) < count:
            raise ValueError("a class occurs twice")
        if {len(self.prevalence), len(self.coefficients), len(self.intercept)} != {count}:
            raise ValueError("prevalence, coefficients and intercept must have a row for each class")
        if np.any(self.prevalence < _LEAST):
            raise ValueError(f"every prevalence must be {_LEAST:g} or more")
        if max(np.abs(self.coefficients).max(), np.abs(self.intercept).max()) > _MOST:
            raise ValueError(f"coefficients and intercept must lie within {_MOST:g} of 0")
        return self

    @property
    def width(self) -> int:
        """Features of a tile that are read."""
        return int(self.coefficients.shape[1])

    def probabilities(self, features: Features) -> Floats:
        """Probability of each class [n, classes], at the prevalence of the classes."""
        linear = LinearClassifier(self.coefficients, self.intercept, self.temperature)
        return adjusted(linear.probabilities(features), self.prevalence)

    def shares(self, means: Floats) -> dict[str, float]:
        """Mean probabilities [classes] of a case's tiles as the values of its vector."""
        return dict(zip(self.classes, map(rounded_share, means), strict=True))

    def as_json(self) -> dict[str, Any]:
        """The classifier as its file holds it, in full precision."""
        return self.model_dump(mode="json")


def softmax(scores: Floats) -> Floats:
    """Probabilities [n, classes] of scores."""
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True), np.float64)


def adjusted(probabilities: Floats, share: Floats) -> Floats:
    """Probabilities [n, classes] where classes are as common as `share` [classes], instead of equally."""
    weighted = probabilities * share
    return np.asarray(weighted / weighted.sum(axis=1, keepdims=True), np.float64)


def rounded_share(share: float) -> float:
    """A share as tables and vectors hold it, six decimals."""
    return round(float(share), _DIGITS)
