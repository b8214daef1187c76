"""Whether evidence that people read points to the pattern: tiles of the most attention, and prototypes."""

from collections.abc import Sequence

import numpy as np

from services.trainer.cohort.embeddings import Features
from shared.arrays import Flags, Floats, Ints

_TOP = 10
"""Tiles of a case that a viewer shows first."""


def top_tile_ratio(attention: Sequence[Features | Floats], shows: Sequence[Flags], top: int = _TOP) -> float:
    """How many times as often as chance the tiles of the most attention show the pattern.

    `attention` and `shows` [tiles] of each case; 1 is chance.
    """
    chosen = [own[np.argsort(-weight, kind="stable")[:top]] for weight, own in zip(attention, shows, strict=True)]
    chance = np.mean([own.mean() for own in shows])
    return float(np.mean([own.mean() for own in chosen]) / chance)


def prototype_figures(weights: Floats, members: Sequence[Ints], shows: Sequence[Flags]) -> dict[str, float]:
    """Of the prototype of the largest weight [k]: how many times as often as chance its tiles show the pattern.

    Beside it the share of the pattern in the prototype where it is purest; `members` [tiles] are of each case.
    """
    member, pattern = np.concatenate(members), np.concatenate(shows)
    held = [float(pattern[member == k].mean()) if (member == k).any() else 0.0 for k in range(len(weights))]
    return {"prototype_ratio": held[int(np.argmax(weights))] / float(pattern.mean()), "purest": max(held)}
