"""Patterns of known blocks: which of them get a model, and which of several models serves a case."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np

from shared.arrays import Ints
from shared.model.case_values import CaseValues

Pattern: TypeAlias = frozenset[str]
"""The blocks that a model needs."""


def occurring(blocks: Sequence[str], cases: CaseValues) -> list[Pattern]:
    """The patterns of known blocks that occur among cases, a case with no known block left out."""
    known = np.array([cases.has_block(block) for block in blocks], np.bool_).reshape(len(blocks), len(cases))
    rows = np.unique(known.T, axis=0)
    return [frozenset(np.array(blocks)[row].tolist()) for row in rows if row.any()]


def model_patterns(blocks: Sequence[str], occurring: Iterable[Pattern], record: Iterable[str] = ()) -> list[Pattern]:
    """Patterns to fit models for: those that occur, each less one block, its blocks of the record, and single blocks.

    Largest first. Their number grows with the patterns that occur, not as 2^k.
    """
    patterns = set(occurring)
    wanted = patterns | {pattern & frozenset(record) for pattern in patterns}
    wanted |= {pattern - {block} for pattern in patterns for block in pattern}
    wanted |= {frozenset({block}) for pattern in patterns for block in pattern}
    wanted.discard(frozenset())
    return largest_first(blocks, wanted)


def largest_first(blocks: Sequence[str], patterns: Iterable[Pattern]) -> list[Pattern]:
    """Patterns by size, equally large ones in the order of `blocks`."""
    return sorted(patterns, key=lambda pattern: (-len(pattern), [block not in pattern for block in blocks]))


def serving(offered: Sequence[Pattern], cases: CaseValues) -> Ints:
    """For each case, the place [n] of the first offered pattern of which it has every block; -1 where it has none."""
    has_all = np.array([cases.has_blocks(pattern) for pattern in offered], np.bool_).reshape(len(offered), len(cases))
    return np.where(has_all.any(axis=0), has_all.argmax(axis=0) if len(offered) else 0, -1)
