"""SIMULATED bags: real tiles of one slide; one kind of them shows a patient's latent, all of them show the scanner."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shared.arrays import Floats

TILES = 64
"""Tiles of every simulated bag."""
SHOWING = 1 / 3
"""Share of the real tiles that show the latent: those of one kind, the highest along the first axis."""
_KIND_AXIS, _SCANNER_AXIS, _SIGNAL_AXIS = 0, 1, 2
_SIGNAL, _SCANNER, _NOISE = 1.8, 0.35, 0.1
"""In standard deviations of the real tiles along the axis; noise in those of each feature."""


@dataclass(frozen=True)
class SimulatedBags:
    """Bags of one cohort."""

    features: Floats
    """[n, TILES, d], never below zero."""
    showing: npt.NDArray[np.bool_]
    """[n, TILES], the tiles that show the latent; nothing that is trained is told of it."""


def simulate_bags(
    real: Floats, latent: Floats, sites: npt.NDArray[np.int64], rng: np.random.Generator
) -> SimulatedBags:
    """Bags from real tiles [m, d], the latent [n] and the site [n]."""
    centred = real - real.mean(axis=0)
    _, spread, axes = np.linalg.svd(centred, full_matrices=False)
    steps = (spread / np.sqrt(len(real) - 1))[:, None] * axes
    scanner = rng.normal(scale=_SCANNER, size=int(sites.max()) + 1)[sites]
    drawn = rng.integers(0, len(real), (len(latent), TILES))
    showing = _of_the_kind(centred @ axes[_KIND_AXIS])[drawn]
    bags = real[drawn] + _SIGNAL * (showing * latent[:, None])[:, :, None] * steps[_SIGNAL_AXIS]
    bags += scanner[:, None, None] * steps[_SCANNER_AXIS]
    bags += _NOISE * centred.std(axis=0) * rng.normal(size=bags.shape)
    return SimulatedBags(np.maximum(bags, 0.0), showing)


def _of_the_kind(along: Floats) -> npt.NDArray[np.bool_]:
    return np.asarray(along >= np.quantile(along, 1 - SHOWING), np.bool_)
