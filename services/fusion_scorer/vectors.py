"""The vectors of a case as a bundle's models read them: a log-risk for each block, and a distance from training."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from services.fusion_scorer.ood import Distance
from shared.arrays import Floats
from shared.model.block import Block
from shared.model.bundle import Bundle
from shared.model.case_vector import CaseVector, parse_vector
from shared.model.errors import BadVectorsError
from shared.model.vector_model import VectorModel
from shared.units import CaseId
from shared.words import shown


@dataclass(frozen=True, eq=False)
class VectorRisk:
    """What a bundle's model makes of one vector."""

    block: Block
    vector: CaseVector
    model: VectorModel
    shares: Floats
    """[k], of each used column in the log-risk."""
    log_risk: float
    distance: Distance | None
    """From the vectors of the training cohort; None where the bundle does not know them."""
    from_slides: bool = False
    """Computed by the bundle's classifier of tiles."""


def read_vector(data: bytes, case: CaseId, block: str, bundle: Bundle) -> CaseVector | None:
    """Read a vector by the columns of the bundle's model; None for a block that the bundle has no model of.

    Raises:
        BadVectorsError: it is refused, or so large that the model gives no finite number.
    """
    model = bundle.vectors.get(block)
    if model is None:
        return None
    vector = parse_vector(data, case, block, model.columns)
    standardised = model.standardised(model.matrix([vector.values]))[0]
    with np.errstate(over="ignore"):
        computable = np.isfinite(np.square(standardised).sum())
    if not computable:
        largest = model.columns[int(np.abs(standardised).argmax())]
        raise BadVectorsError(
            f"the vector {block} of {case} is refused: {shown(largest)} is {vector.values[largest]:.3g}, "
            "too large to compute with"
        )
    return vector


def no_model(block: str, bundle: Bundle) -> BadVectorsError:
    """The refusal of a block that the bundle has no model of, with the blocks that it has models of."""
    known = ", ".join(bundle.vectors) or "none"
    return BadVectorsError(f"the bundle has no model of block {shown(block)}; its blocks of vectors: {known}")


def vector_risks(
    bundle: Bundle, vectors: Iterable[CaseVector], of_slides: CaseVector | None = None
) -> tuple[VectorRisk, ...]:
    """The log-risk of each vector, that of the slides included, in the order of the bundle's blocks."""
    by_block = {vector.block: vector for vector in (*vectors, of_slides) if vector}
    blocks = (block for block in bundle.manifest.profile.vectors if block.name in by_block)
    risks = (_risk(bundle, block, by_block[block.name]) for block in blocks if block.name in bundle.vectors)
    return tuple(replace(risk, from_slides=risk.vector is of_slides) for risk in risks)


def _risk(bundle: Bundle, block: Block, vector: CaseVector) -> VectorRisk:
    model = bundle.vectors[block.name]
    values = model.matrix([vector.values])
    shares = model.contributions(values, bundle.trees)[0]
    return VectorRisk(block, vector, model, shares, float(shares.sum()), _distance(bundle, block, model, values))


def _distance(bundle: Bundle, block: Block, model: VectorModel, values: Floats) -> Distance | None:
    reference = bundle.reference.vectors.get(block.name)
    if reference is None:
        return None
    distance = float(reference.case_distances(model.standardised(values))[0])
    return Distance(f"the vector of {block.title}", distance, reference.limits)
