"""Prototypes of a score: what the bundle knows of each."""

from collections.abc import Iterator

import numpy as np
from medulla.v1.scorer_pb2 import HazardRatio, TilePrototype

from shared.model.prototypes import LEVEL, Prototypes


def tile_prototypes(prototypes: Prototypes) -> Iterator[TilePrototype]:
    """The prototypes of a bundle, by number."""
    described = zip(prototypes.shares, prototypes.hazard_ratios, strict=True)
    for number, (share, (ratio, lo, hi)) in enumerate(described):
        is_defined = np.isfinite(ratio)
        yield TilePrototype(
            number=number,
            training_share=share,
            hazard_ratio=HazardRatio(ratio=ratio, lo=lo, hi=hi, level=LEVEL) if is_defined else None,
        )
