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
    )


def provenance(risk: VectorRisk) -> VectorProvenance:
    """The digest that leads from a score back to a vector."""
    return VectorProvenance(block=risk.block.name, digest=risk.vector.digest)


def columns(risk: VectorRisk) -> list[ColumnShare]:
    """The columns that moved the block's log-risk most, the largest share first; none without a share."""
    largest = np.argsort(-np.abs(risk.shares), kind="stable")[:MOST_COLUMNS]
    return [_share(risk, i) for i in largest if risk.shares[i]]


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


def _share(risk: VectorRisk, i: int) -> ColumnShare:
    column = risk.model.used_columns[i]
    value = risk.vector.values.get(column)
    return ColumnShare(
        column=column, value="missing" if value is None else f"{value:.4g}", log_hazard=float(risk.shares[i])
    )
