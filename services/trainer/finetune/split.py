"""Which patients judge an encoder, and which of the others say when to stop: whole patients, stratified."""

from collections.abc import Sequence

import numpy as np

from services.trainer.folds import grouped_folds
from shared.arrays import Flags, Ints

LEAST = 6
"""Patients below which a bootstrap of them would take chance for a gain."""


def guard_folds(patients: Sequence[str], strata: Ints, folds: int, held_out: float, seed: int) -> Ints | None:
    """Fold [n] of each item, patients whole; strata [n] are classes or what happened.

    None where there are too few patients, or where a fold and those held out would leave a stratum to nobody.
    """
    count = len(set(patients))
    if count < LEAST:
        return None
    fold = grouped_folds(patients, strata, min(folds, count), np.random.default_rng([seed, 37]))
    outside = [np.flatnonzero(fold != k) for k in np.unique(fold)]
    every = set(strata.tolist())
    for inside in outside:
        if set(strata[inside].tolist()) != every or stopping(patients, strata, inside, held_out, seed) is None:
            return None
    return fold


def stopping(patients: Sequence[str], strata: Ints, inside: Ints, share: float, seed: int) -> Flags | None:
    """Items [n] of the patients among `inside` who say when to stop, about `share` of them.

    Of the folds that leave every stratum to the others: the one that holds most strata, then the fairest in size; None
    where there is no such fold.
    """
    names, own = [patients[i] for i in inside], strata[inside]
    if len(set(names)) < 2:
        return None
    folds = int(np.clip(round(1 / share), 2, len(set(names))))
    fold = grouped_folds(names, own, folds, np.random.default_rng([seed, 41]))
    every = set(own.tolist())
    fit = [k for k in range(folds) if set(own[fold != k].tolist()) == every and (fold == k).any()]
    if not fit:
        return None
    best = max(fit, key=lambda k: (len(set(own[fold == k].tolist())), -abs(float((fold == k).mean()) - share)))
    chosen = np.zeros(len(patients), np.bool_)
    chosen[inside[fold == best]] = True
    return chosen
