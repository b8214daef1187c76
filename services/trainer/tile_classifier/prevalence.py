"""How common each class is among unlabelled tiles."""

import numpy as np

from shared.arrays import Floats
from shared.model.tile_classifier import adjusted

LEAST = 0.001
"""Least prevalence of a class; the estimate of one that resembles a common class may be 0."""
_STEPS = 500
_STILL = 1e-7


def prevalence(probabilities: Floats) -> Floats:
    """Prevalence [classes] of tiles whose probabilities [n, classes] hold for equally common classes.

    Maximum likelihood by expectation and maximisation. Saerens, Latinne and Decaestecker, Neural Comput 2002;14:21.
    """
    share = np.full(probabilities.shape[1], 1 / probabilities.shape[1])
    for _ in range(_STEPS):
        before, share = share, adjusted(probabilities, share).mean(axis=0)
        if np.abs(share - before).max() < _STILL:
            break
    floored = np.maximum(share, LEAST)
    return np.asarray(floored / floored.sum(), np.float64)
