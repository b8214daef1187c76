"""How far a case lies from what the bundle was fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.fusion_scorer.clinical import Value
from services.fusion_scorer.manifest import EmbeddingReference, Limits, Reference
from shared.arrays import Floats


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
    axes = np.asarray(reference.axes, np.float64)
    offset = pooled - np.asarray(reference.mean)
    along = axes @ offset
    off = np.linalg.norm(offset - axes.T @ along) / reference.residual
    scores = np.append(along / np.asarray(reference.spread), off)
    return Distance("the slides' mean embedding", float(np.sqrt(np.mean(scores**2))), reference.limits)


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
