"""The files of a bundle that read vectors, and the training distribution of the vectors."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from services.trainer.bundle.reference import LEAST_CASES, fit_reference
from services.trainer.cohort.cohort import Cohort
from services.trainer.vectors.stage import BlockModel
from shared.model.reference import EmbeddingReference
from shared.model.vector_model import vector_file, vector_trees_file


def vector_files(models: Mapping[str, BlockModel]) -> dict[str, bytes | Any]:
    """Each block's model, and its trees where LightGBM gave them."""
    files: dict[str, bytes | Any] = {}
    for block, model in models.items():
        files[vector_file(block)] = model.fitted.model.as_json()
        if model.fitted.trees:
            files[vector_trees_file(block)] = model.fitted.trees.encode()
    return files


def vector_references(models: Mapping[str, BlockModel], cohort: Cohort) -> dict[str, EmbeddingReference]:
    """Where the standardised columns of training patients lie, by block; none where patients are few or all alike."""
    references = {}
    for block, model in models.items():
        vectors = cohort.vectors[block]
        standardised = model.fitted.model.standardised(vectors.values[vectors.known])
        if len(standardised) >= LEAST_CASES and np.ptp(standardised, axis=0).any():
            references[block] = fit_reference(standardised)
    return references
