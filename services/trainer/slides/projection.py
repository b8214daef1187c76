"""From an encoder's features to a few standardised axes, without the axes along which sites differ."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh
from scipy.stats import f as f_distribution

from services.trainer.cohort.embeddings import Embeddings, Features
from shared.arrays import Floats

AXES = 16
"""With 32, attention networks, which read them before hazards of tiles, found the latent of SIMULATED real-pixel slides
less often; with 8, no more often."""
_SAMPLED = 64
"""Tiles of each patient that the axes are fitted on."""
_MOST_SITE_AXES = 3
_SURE = 1e-6
"""p-value below which an axis is taken to show the site."""
_LEAST_SITE = 3


@dataclass(frozen=True, eq=False)
class Projection:
    """(tile - mean) @ axes; mean [d], axes [d, k]."""

    mean: Features
    axes: Features

    def __call__(self, tiles: Features) -> Features:
        """Project tiles [n, d] to [n, k]."""
        return np.asarray((tiles - self.mean) @ self.axes, np.float32)


def fit_projection(embeddings: Embeddings, cases: Sequence[str], sites: Sequence[str], axes: int = AXES) -> Projection:
    """Principal axes of the training cases' tiles, each scaled to standard deviation one, each case counting alike."""
    bags = [embeddings.bag(case, _SAMPLED) for case in cases]
    means = np.stack([bag.mean(axis=0) for bag in bags])
    centre = means.mean(axis=0)
    covariance = np.zeros((embeddings.width, embeddings.width))
    for bag in bags:
        offset = bag - centre
        covariance += (offset.T @ offset) / (len(bag) * len(bags))
    count = min(axes, embeddings.width)
    spread, vectors = eigh(covariance, subset_by_index=[embeddings.width - count, embeddings.width - 1])
    kept = spread > max(spread[-1], 0.0) * 1e-6 if spread[-1] > 0 else np.array([False] * (count - 1) + [True])
    scaled = vectors[:, kept][:, ::-1] / np.sqrt(np.maximum(spread[kept][::-1], 1e-12))
    without = _without_sites((means - centre) @ scaled, sites)
    return Projection(centre.astype(np.float32), (scaled @ without).astype(np.float32))


def _without_sites(means: Floats, sites: Sequence[str]) -> Floats:
    """A matrix [k, k] that flattens the axes along which the means [n, k] of sites differ beyond doubt."""
    k = means.shape[1]
    names = [name for name in sorted(set(sites)) if name and list(sites).count(name) >= _LEAST_SITE]
    member = np.array([[site == name for site in sites] for name in names], np.float64).reshape(len(names), len(sites))
    if len(names) < 2:
        return np.eye(k)
    inside = means[member.any(axis=0)]
    centred = inside - inside.mean(axis=0)
    by_site = member[:, member.any(axis=0)]
    between = np.sqrt(by_site.sum(axis=1))[:, None] * ((by_site @ centred) / by_site.sum(axis=1)[:, None])
    _, _, directions = np.linalg.svd(between / 1.0, full_matrices=False)
    removed = [u for u in directions[:_MOST_SITE_AXES] if _shows_site(centred @ u, by_site)]
    return np.eye(k) - sum((np.outer(u, u) for u in removed), np.zeros((k, k)))


def _shows_site(values: Floats, by_site: Floats) -> bool:
    """One-way analysis of variance, with a bar high enough for having looked for the direction."""
    sizes = by_site.sum(axis=1)
    groups, n = len(sizes), len(values)
    explained = float((((by_site @ values) / sizes) ** 2 * sizes).sum() - n * values.mean() ** 2)
    rest = float((values**2).sum() - n * values.mean() ** 2) - explained
    if n <= groups or rest <= 0:
        return False
    return bool(f_distribution.sf(explained / (groups - 1) / (rest / (n - groups)), groups - 1, n - groups) < _SURE)
