"""SIMULATED bags in which few tiles carry the hazard, on backgrounds that vary between patients and sites."""

import numpy as np

from shared.arrays import Floats, Ints

BACKGROUNDS = 4
PATTERN = BACKGROUNDS
"""Number of the kind of tile that carries the hazard; the kinds before it are backgrounds."""
_LOG_ODDS, _SLOPE = -2.98, 0.5
"""Of the pattern's share: 5 % of tiles at an average latent, 3 and 8 % one standard deviation below and above."""
_SITE, _PATIENT = 2.0, 6.0
"""Concentrations of the Dirichlet distributions of a site's backgrounds, and of its patients' around these."""


def rare_shares(latent: Floats, sites: Ints, rng: np.random.Generator, backgrounds: int = BACKGROUNDS) -> Floats:
    """Share [n, kinds] of each kind; the pattern's is a logistic function of the latent alone."""
    pattern = 1 / (1 + np.exp(-(_LOG_ODDS + _SLOPE * latent)))
    by_site = rng.dirichlet(np.full(backgrounds, _SITE), int(sites.max(initial=0)) + 1)
    others = np.stack([rng.dirichlet(_PATIENT * by_site[site] + 0.1) for site in sites])
    return np.concatenate([others * (1 - pattern)[:, None], pattern[:, None]], axis=1)
