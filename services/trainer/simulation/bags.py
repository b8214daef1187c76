"""SIMULATED bags: a patient's tissue is a mixture of kinds of tile, the latent sets the share of one of them.

The site's scanner and stain move all tiles of its patients along a few axes that have nothing to do with outcome.
"""

from dataclasses import dataclass

import numpy as np

from services.trainer.cohort.embeddings import Features
from shared.arrays import Floats, Ints

KINDS = 6
_BETWEEN, _WITHIN = 1.4, 1.0
_SHIFT_AXES = 2


@dataclass(frozen=True, eq=False)
class Tissue:
    """Kinds of tile and axes of stain, the same for every SIMULATED cohort of a width."""

    centres: Floats
    """[kinds, d]"""
    stain: Floats
    """[axes, d], unit length."""

    @classmethod
    def of(cls, width: int) -> "Tissue":
        """Fixed by the width alone, so that a second cohort shows the same tissue."""
        rng = np.random.default_rng(20261123)
        stain = np.linalg.qr(rng.normal(size=(width, _SHIFT_AXES)))[0].T
        centres = _BETWEEN * rng.normal(size=(KINDS, width)) / np.sqrt(width / 8)
        return cls(centres, stain)


def site_shifts(sites: int, strength: float, rng: np.random.Generator) -> Floats:
    """Shift [sites, axes] of each site, in standard deviations of a tile."""
    return np.asarray(strength * rng.normal(size=(sites, _SHIFT_AXES)), np.float64)


def shares(latent: Floats, rng: np.random.Generator) -> Floats:
    """Share [n, kinds] of each kind; the active one is a logistic function of the latent alone."""
    active = 1 / (1 + np.exp(-(-1.4 + 0.9 * latent)))
    others = rng.dirichlet(np.full(KINDS - 1, 2.0), len(latent)) * (1 - active)[:, None]
    return np.concatenate([others, active[:, None]], axis=1)


def draw_bag(tissue: Tissue, share: Floats, shift: Floats, tiles: int, rng: np.random.Generator) -> Features:
    """A patient's tiles [tiles, d]."""
    kinds: Ints = rng.choice(KINDS, tiles, p=share).astype(np.int64)
    noise = _WITHIN * rng.normal(size=(tiles, tissue.centres.shape[1])) * _spectrum(tissue.centres.shape[1])
    return np.asarray(tissue.centres[kinds] + noise + shift @ tissue.stain, np.float32)


def _spectrum(width: int) -> Floats:
    """Noise falls off over the features, as encoders' do."""
    return np.asarray((1 + np.arange(width) / 8) ** -0.5, np.float64)
