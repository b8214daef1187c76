"""How far a case lies from what the bundle was fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from medulla.v1.scorer_pb2 import OutOfDistribution

from services.fusion_scorer.manifest import ColourReference, EmbeddingReference, Limits, Reference
from shared.arrays import Floats
from shared.model.variable import Value


@dataclass(frozen=True, slots=True)
class Distance:
    """A distance from the training distribution, and of what."""

    what: str
    value: float
    limits: Limits

    @property
    def flagged(self) -> bool:
        """Unusual for the training cohort."""
        return self.value > self.limits.flag

    @property
    def too_far(self) -> bool:
        """So unusual that a score would mean nothing."""
        return self.value > self.limits.abstain

    def message(self) -> OutOfDistribution:
        """The distance as a score says it."""
        return OutOfDistribution(flagged=self.flagged, distance=self.value, limit=self.limits.flag)

    @property
    def reason(self) -> str:
        """Why the scorer abstains, in words and numbers."""
        return (
            f"Out of distribution: {self.what} lies {self.value:.3g} from the training cohort, "
            f"and the bundle scores only up to {self.limits.abstain:.3g}."
        )


def embedding_distance(reference: EmbeddingReference, pooled: Floats) -> Distance:
    """Distance of a case's mean embedding [d]: about 1 for a typical training case.

    Root mean square of the standardised coordinates on the k axes and of the standardised length off them.
    """
    along, off = _standardised(reference, pooled)
    value = float(np.sqrt(np.mean(np.append(along, off) ** 2)))
    return Distance("the slides' mean embedding", value, reference.limits)


def slide_embedding_distance(reference: EmbeddingReference, mean: Floats, slide_id: str) -> Distance:
    """Distance of one slide's mean embedding [d]: the larger of those along the axes and off them.

    Another stain moves a slide off the axes along which slides of the training cohort differ.
    """
    along, off = _standardised(reference, mean)
    value = max(float(np.sqrt(np.mean(along**2))), off)
    return Distance(f"the mean embedding of slide {slide_id}", value, reference.limits)


def colour_distance(reference: ColourReference, colours: Floats, slide_id: str) -> Distance:
    """Distance of one slide's stain colours [k]: root mean square of the whitened offset."""
    white = np.asarray(reference.whitening) @ (colours - np.asarray(reference.mean))
    return Distance(f"the staining of slide {slide_id}", float(np.sqrt(np.mean(white**2))), reference.limits)


def _standardised(reference: EmbeddingReference, mean: Floats) -> tuple[Floats, float]:
    """Coordinates [k] along the axes and length off them, in spreads of the training cohort."""
    axes = np.asarray(reference.axes, np.float64)
    offset = mean - np.asarray(reference.mean)
    along = axes @ offset
    return along / np.asarray(reference.spread), float(np.linalg.norm(offset - axes.T @ along) / reference.residual)


def distances(reference: Reference, pooled: Floats | None, values: Mapping[str, Value]) -> list[Distance]:
    """Every distance that can be told of a case; `pooled` [d] is None without slides."""
    found = [
        Distance(name, abs(float(values[name]) - numeric.mean) / numeric.spread, numeric.limits)
        for name, numeric in reference.numeric.items()
        if name in values
    ]
    if reference.embedding and pooled is not None:
        found.append(embedding_distance(reference.embedding, pooled))
    return found


def farthest(found: list[Distance]) -> Distance | None:
    """The distance that is largest for its limit, one that is too far before others; None where there is none."""
    return max(found, key=lambda item: (item.too_far, item.value / item.limits.flag), default=None)
