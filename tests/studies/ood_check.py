"""Cases flagged and refused as out of distribution: external site, strongly shifted stain, other tissue."""

import numpy as np

from services.trainer.bundle.served import ServedBundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.embeddings import Embeddings
from services.trainer.simulation.bags import Tissue
from shared.arrays import Floats
from shared.model.reference import Reference

STRONG_SHIFT = 8.0
"""Standard deviations of a tile by which a strongly shifted stain moves all tiles along each axis of stain."""


def abstentions(bundle: ServedBundle, cohort: Cohort, bags: Embeddings) -> dict[str, dict[str, float]]:
    """Shares flagged and refused by their mean embedding, of SIMULATED patients of an external site."""
    means = mean_embeddings(cohort, bags)
    tissue = Tissue.of(bags.width)
    foreign = np.random.default_rng(99).normal(size=(len(means), bags.width)) * tissue.centres.std()
    groups = {
        "external site": means,
        "strongly shifted stain": means + STRONG_SHIFT * tissue.stain.sum(axis=0),
        "foreign tissue": means - tissue.centres.mean(axis=0) + foreign,
    }
    return {name: shares(bundle.bundle.reference, group) for name, group in groups.items()}


def mean_embeddings(cohort: Cohort, bags: Embeddings) -> Floats:
    """Of all patients with slides, [n, d]."""
    has = bags.has(cohort.case_ids)
    cases = [case for case, has_bag in zip(cohort.case_ids, has, strict=True) if has_bag]
    return np.stack([bags.bag(case).mean(axis=0, dtype=np.float64) for case in cases])


def shares(reference: Reference, means: Floats) -> dict[str, float]:
    """Share past the limit of a flag and past that of a refusal."""
    embedding = reference.embedding
    if embedding is None:
        raise ValueError("the bundle has no reference of embeddings")
    distances, limits = embedding.case_distances(means), embedding.limits
    return {
        "n": len(distances),
        "flagged": float((distances > limits.flag).mean()),
        "refused": float((distances > limits.abstain).mean()),
    }
