"""What vectors add to a score, as messages."""

import numpy as np
from medulla.v1.scorer_pb2 import ColumnShare, Remark, VectorEvidence, VectorProvenance

from services.fusion_scorer.vectors import VectorRisk
from shared.model.bundle import Bundle
from shared.model.errors import BadVectorsError

UNKNOWN_BLOCK = "unknown_block"
MOST_COLUMNS = 5
"""Columns that a contribution names."""


def evidence(risk: VectorRisk) -> VectorEvidence:
    """How much of a vector is known, and how far it lies from training."""
    return VectorEvidence(
        block=risk.block.name,
        title=risk.block.title,
        model_columns=len(risk.model.columns),
        known_columns=len(risk.vector.values),
        out_of_distribution=risk.distance.message() if risk.distance else None,
        from_slides=risk.from_slides,
    )


def provenance(risk: VectorRisk) -> VectorProvenance:
    """The digest that leads from a score back to a vector."""
    return VectorProvenance(block=risk.block.name, digest=risk.vector.digest)


def columns(risk: VectorRisk, weight: float) -> list[ColumnShare]:
    """The columns that moved the contribution of a block most, the largest share first; none without a share.

    `weight` is the log hazard that a unit of the block's log-risk adds. Shares and contribution differ by a constant of
    the block: its average patient has the log-risk at which the contribution is 0.
    """
    shares = weight * risk.shares
    largest = np.argsort(-np.abs(shares), kind="stable")[:MOST_COLUMNS]
    return [_share(risk, i, float(shares[i])) for i in largest if shares[i]]


def unknown_block(bundle: Bundle, block: str) -> Remark:
    """The remark on a vector that no model of the bundle reads."""
    known = ", ".join(bundle.vectors) or "none"
    sentence = (
        f"The vector {block} was not used: bundle {bundle.manifest.name} has no model of such a block. "
        f"Blocks of vectors that it reads: {known}."
    )
    return Remark(code=UNKNOWN_BLOCK, sentence=sentence)


def refused_vector(error: BadVectorsError) -> Remark:
    """The remark on a vector that the score leaves out."""
    return Remark(code=error.reason, sentence=f"A vector was left out of the score: {error}.")


def _share(risk: VectorRisk, i: int, log_hazard: float) -> ColumnShare:
    column = risk.model.used_columns[i]
    value = risk.vector.values.get(column)
    return ColumnShare(column=column, value="missing" if value is None else f"{value:.4g}", log_hazard=log_hazard)
