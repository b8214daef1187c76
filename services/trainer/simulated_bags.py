"""SIMULATED bags: real tiles of one slide, moved along one axis by a patient's latent, along another by the scanner."""

import numpy as np
import numpy.typing as npt

from shared.arrays import Floats

TILES = 64
"""Tiles of every simulated bag."""
_ACTIVE = 0.5
"""Share of tiles that show the latent."""
_SIGNAL_AXIS, _SCANNER_AXIS = 2, 1
_SIGNAL, _SCANNER, _NOISE = 1.8, 0.35, 0.1
"""In standard deviations of the real tiles along the axis; noise in those of each feature."""


def simulate_bags(real: Floats, latent: Floats, sites: npt.NDArray[np.int64], rng: np.random.Generator) -> Floats:
    """Bags [n, TILES, d] from real tiles [m, d], the latent [n] and the site [n]; features never fall below zero."""
    centred = real - real.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    steps = (spread / np.sqrt(len(real) - 1))[:, None] * axes
    scanner = rng.normal(scale=_SCANNER, size=int(sites.max()) + 1)[sites]
    bags = real[rng.integers(0, len(real), (len(latent), TILES))]
    shown = (rng.random(bags.shape[:2]) < _ACTIVE) * latent[:, None]
    bags += _SIGNAL * shown[:, :, None] * steps[_SIGNAL_AXIS] + scanner[:, None, None] * steps[_SCANNER_AXIS]
    bags += _NOISE * centred.std(axis=0) * rng.normal(size=bags.shape)
    return np.maximum(bags, 0.0)
