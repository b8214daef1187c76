"""Prototypes: groups of similar tiles that training found without labels. Nothing is predicted by them."""

from dataclasses import dataclass

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load

from shared.arrays import Floats, Members
from shared.model.errors import BadBundleError
from shared.model.mil import Features
from shared.tensors import encode_tensors

PROTOTYPES = "prototypes.safetensors"
MOST = 16
"""Eight are too few for a kind of one tile in twenty. The viewer paints as many as people can tell apart by colour."""
LEVEL = 0.95
"""Of the intervals of hazard ratios."""


@dataclass(frozen=True, eq=False)
class Prototypes:
    """k prototypes, numbered from 0."""

    centres: Features
    """float32 [k, axes], in the space that the model of slides projects tiles to."""
    shares: Floats
    """float64 [k], mean share of a training patient's tiles."""
    hazard_ratios: Floats
    """float64 [k, 3]: estimate, lower and upper end for one standard deviation of the share; NaN where undefined."""

    def nearest(self, tiles: Features) -> Members:
        """The nearest prototype of projected tiles [n, axes]; of equally near ones the first."""
        squared = [((tiles - centre) ** 2).sum(axis=1, dtype=np.float64) for centre in self.centres]
        return np.asarray(np.argmin(squared, axis=0), np.uint8)

    def shares_of(self, members: Members) -> Floats:
        """Share [k] of each prototype among tiles, at least one."""
        return np.bincount(members, minlength=len(self.centres)) / len(members)

    def as_bytes(self) -> bytes:
        """The file of a bundle."""
        return encode_tensors({"centres": self.centres, "shares": self.shares, "hazard_ratios": self.hazard_ratios})


def read_prototypes(data: bytes) -> Prototypes:
    """Read the file of a bundle.

    Raises:
        BadBundleError: it holds other arrays, or values that cannot be.
    """
    try:
        tensors = load(data)
        prototypes = Prototypes(tensors["centres"], tensors["shares"], tensors["hazard_ratios"])
    except (SafetensorError, KeyError) as error:
        raise BadBundleError(f"{PROTOTYPES} is not understood") from error
    if problem := _problem(prototypes):
        raise BadBundleError(f"{PROTOTYPES} {problem}")
    return prototypes


def _problem(prototypes: Prototypes) -> str | None:
    centres, shares, ratios = prototypes.centres, prototypes.shares, prototypes.hazard_ratios
    if centres.ndim != 2 or shares.shape != (len(centres),) or ratios.shape != (len(centres), 3):
        return "holds arrays whose shapes do not fit each other"
    if not 1 <= len(centres) <= MOST:
        return f"holds {len(centres)} prototypes; 1 to {MOST} are allowed"
    defined = ratios[~np.isnan(ratios).all(axis=1)]
    is_ordered = np.isfinite(defined).all() and (defined[:, [1, 0]] <= defined[:, [0, 2]]).all()
    if not np.isfinite(centres).all() or not ((shares >= 0) & (shares <= 1)).all() or not is_ordered:
        return "holds values that cannot be"
    return None
