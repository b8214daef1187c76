"""The composition of a case: class probabilities of its tiles, and their means as a vector of the case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from services.fusion_scorer.inputs import CaseInputs, SlideInput
from shared.arrays import Floats, Members
from shared.model.bundle import Bundle
from shared.model.case_vector import CaseVector, parse_vector, vector_bytes
from shared.model.tile_classifier import BundleClassifier
from shared.units import CaseId


@dataclass(frozen=True, eq=False)
class Composition:
    """Probabilities of a bundle's classes; a bag that two slides share counts once."""

    classifier: BundleClassifier
    tiles: Mapping[str, Floats]
    """[n, classes] by bag digest, n at least 1."""

    def likeliest(self, bag: str) -> Members | None:
        """The class [n] of each tile of a bag; None where the bag was not read."""
        return self.tiles[bag].argmax(axis=1).astype(np.uint8) if bag in self.tiles else None

    def shares(self, bag: str) -> list[float]:
        """Expected share of each class among the tiles of a bag; empty where the bag was not read."""
        return self.tiles[bag].mean(axis=0).tolist() if bag in self.tiles else []

    def vector(self, case: CaseId, *, simulated: bool) -> CaseVector:
        """Expected shares among all tiles, as a stored vector has them."""
        values = self.classifier.shares(np.concatenate(list(self.tiles.values())).mean(axis=0))
        data = vector_bytes(case, self.classifier.block, values, simulated=simulated)
        return parse_vector(data, case, self.classifier.block)


def compose(bundle: Bundle, slides: Sequence[SlideInput]) -> Composition | None:
    """Classify all tiles of checked slides; None where the bundle has no classifier or there is not one tile."""
    classifier = bundle.classifier
    bags = {slide.embedded.bag.digest: slide.features for slide in slides if len(slide.features)}
    if classifier is None or not bags:
        return None
    return Composition(classifier, {bag: classifier.probabilities(bags[bag]) for bag in sorted(bags)})


def vector_of_slides(bundle: Bundle, case: CaseInputs, composition: Composition | None) -> CaseVector | None:
    """The block of vectors that the slides give; None where the case has a vector of it, or it is to be left out."""
    if composition is None:
        return None
    block = composition.classifier.block
    given = {*case.without_vectors, *(vector.block for vector in case.vectors)}
    if block in given or block not in bundle.vectors:
        return None
    return composition.vector(case.case_id, simulated=bundle.manifest.simulated)
