"""Patterns of known blocks, and which of several models serves a case."""

from collections.abc import Sequence
from itertools import combinations
from typing import TypeAlias

import numpy as np

from shared.arrays import Ints
from shared.model.case_values import CaseValues

Pattern: TypeAlias = frozenset[str]
"""The blocks that a model needs."""


def patterns(blocks: Sequence[str]) -> list[Pattern]:
    """All choices of blocks, the largest first."""
    return [frozenset(chosen) for size in range(len(blocks), 0, -1) for chosen in combinations(blocks, size)]


def serving(offered: Sequence[Pattern], cases: CaseValues) -> Ints:
    """For each case, the place [n] of the first offered pattern of which it has every block; -1 where it has none."""
    has_all = np.array([cases.has_blocks(pattern) for pattern in offered], np.bool_).reshape(len(offered), len(cases))
    return np.where(has_all.any(axis=0), has_all.argmax(axis=0) if len(offered) else 0, -1)
