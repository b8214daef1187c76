"""How far a case lies from what the bundle was fitted on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from medulla.v1.scorer_pb2 import OutOfDistribution

from shared.arrays import Floats
from shared.model.reference import Limits, Reference, SlideReference
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
        """The distance as a score states it."""
        return OutOfDistribution(flagged=self.flagged, distance=self.value, limit=self.limits.flag)

    @property
    def reason(self) -> str:
        """Why the scorer abstains, in words and numbers."""
        return (
            f"Out of distribution: {self.what} lies {self.value:.3g} from the training cohort, "
            f"and the bundle scores only up to {self.limits.abstain:.3g}."
        )


def slide_distances(reference: SlideReference, mean: Floats, colours: Floats, slide_id: str) -> list[Distance]:
    """Distances of one slide by its mean embedding [d] and, where the reference has as many, its stain colours [k]."""
    embedding = reference.embedding
    value = float(embedding.slide_distances(mean[np.newaxis])[0])
    distances = [Distance(f"the mean embedding of slide {slide_id}", value, embedding.limits)]
    if reference.colours and len(colours) == len(reference.colours.mean):
        value = float(reference.colours.distances(colours[np.newaxis])[0])
        distances.append(Distance(f"the staining of slide {slide_id}", value, reference.colours.limits))
    return distances


def case_distances(reference: Reference, pooled: Floats | None, values: Mapping[str, Value]) -> list[Distance]:
    """Distances of a case by its numeric values and by its mean embedding [d]; `pooled` is None without slides."""
    distances = [
        Distance(name, float(numeric.distances(np.array([values[name]], np.float64))[0]), numeric.limits)
        for name, numeric in reference.numeric.items()
        if name in values
    ]
    if reference.embedding and pooled is not None:
        value = float(reference.embedding.case_distances(pooled[np.newaxis])[0])
        distances.append(Distance("the slides' mean embedding", value, reference.embedding.limits))
    return distances


def farthest(distances: list[Distance]) -> Distance | None:
    """The distance that is largest for its limit, one that is too far before others; None where there is none."""
    return max(distances, key=lambda item: (item.too_far, item.value / item.limits.flag), default=None)
