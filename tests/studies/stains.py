"""Haematoxylin and eosin turned into other stains: colours taken apart by optical density and put together anew.

Vectors of Ruifrok and Johnston (Anal Quant Cytol Histol 2001;23:291) and of ImageJ's list that grew from it.
"""

from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Density = npt.NDArray[np.float64]

_HAEMATOXYLIN, _EOSIN = (0.650, 0.704, 0.286), (0.072, 0.990, 0.105)
_DAB, _PAS = (0.268, 0.570, 0.776), (0.175, 0.972, 0.154)
_METHYL_BLUE, _PONCEAU = (0.799, 0.591, 0.105), (0.100, 0.737, 0.668)
_PATCH = 64
"""Side of the squares, in pixels, whose staining is drawn; what lies between is interpolated."""


def _unit(vector: tuple[float, ...]) -> Density:
    return np.asarray(vector, np.float64) / np.linalg.norm(vector)


_H, _E = _unit(_HAEMATOXYLIN), _unit(_EOSIN)
_APART = np.linalg.inv(np.stack([_H, _E, _unit(tuple(np.cross(_H, _E)))]))


def densities(pixels: Pixels) -> tuple[Density, Density]:
    """Density [h, w] of haematoxylin and of eosin."""
    optical = -np.log10((pixels.astype(np.float64) + 1) / 256)
    split_fold = np.maximum(optical @ _APART, 0)
    return split_fold[..., 0], split_fold[..., 1]


def dab(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Immunohistochemistry: pale haematoxylin, no eosin, brown DAB in nuclei or cytoplasm of a random share of it."""
    nuclei, cytoplasm = densities(pixels)
    nuclear = rng.random()
    target = nuclear * nuclei + (1 - nuclear) * cytoplasm
    brown = rng.uniform(0.6, 2.0) * _patches(pixels.shape[:2], rng.uniform(0.05, 0.9), rng) * target
    return _mixed([(rng.uniform(0.4, 0.9) * nuclei, _H), (brown, _unit(_DAB))])


def counterstain(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Immunohistochemistry of which nothing is positive: pale haematoxylin alone."""
    return _mixed([(rng.uniform(0.4, 0.9) * densities(pixels)[0], _H)])


def pas(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Periodic acid-Schiff: haematoxylin, and magenta in place of eosin."""
    nuclei, cytoplasm = densities(pixels)
    magenta = rng.uniform(0.7, 1.4) * _patches(pixels.shape[:2], rng.uniform(0.3, 0.9), rng) * cytoplasm
    return _mixed([(nuclei, _H), (magenta, _unit(_PAS))])


def masson(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Trichrome: dark nuclei, blue collagen in some places, red cytoplasm in the others."""
    nuclei, cytoplasm = densities(pixels)
    collagen = _patches(pixels.shape[:2], rng.uniform(0.3, 0.8), rng)
    blue, red = collagen * cytoplasm, (1 - collagen) * cytoplasm
    return _mixed([(nuclei, _H), (rng.uniform(0.8, 1.3) * blue, _unit(_METHYL_BLUE)), (red, _unit(_PONCEAU))])


def grey(pixels: Pixels, _rng: np.random.Generator) -> Pixels:
    """No colour at all."""
    light = pixels @ np.array([0.299, 0.587, 0.114])
    return np.repeat(np.round(light)[..., None], 3, axis=2).astype(np.uint8)


STAINS: Mapping[str, Callable[[Pixels, np.random.Generator], Pixels]] = {
    "DAB": dab,
    "counterstain only": counterstain,
    "PAS": pas,
    "Masson": masson,
    "grey": grey,
}


def _mixed(parts: list[tuple[Density, Density]]) -> Pixels:
    optical = sum(density[..., None] * vector for density, vector in parts)
    return np.clip(np.round(256 * 10.0 ** -np.asarray(optical) - 1), 0, 255).astype(np.uint8)


def _patches(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> Density:
    """A smooth field [h, w] from 0 to 1 that is high in about `share` of all places."""
    rows, columns = (-(-side // _PATCH) + 1 for side in shape)
    drawn = 1 / (1 + np.exp(-6 * (share - rng.random((rows, columns)))))
    return _between(_between(drawn, shape[0]).T, shape[1]).T


def _between(field: Density, length: int) -> Density:
    """Interpolate the rows of [n, m] to `length` rows."""
    at = np.arange(length) / _PATCH
    low = at.astype(np.int64)
    weight = (at - low)[:, None]
    return np.asarray((1 - weight) * field[low] + weight * field[low + 1], np.float64)
