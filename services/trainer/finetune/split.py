"""Which patients decide when to stop: whole patients, stratified."""

from collections.abc import Sequence

import numpy as np

from services.trainer.errors import BadTilesError
from services.trainer.folds import grouped_folds
from shared.arrays import Flags, Ints


def held_out(patients: Sequence[str], strata: Ints, share: float, seed: int) -> Flags:
    """Items [n] of the patients that are held out, about `share` of all; strata [n] are classes or what happened.

    Of the folds that leave every stratum to the others: the one that holds most strata, then the fairest in size.

    Raises:
        BadTilesError: there are too few patients, or each fold would take a class from the others.
    """
    names = sorted(set(patients))
    if len(names) < 3:
        count = "there is 1 patient" if len(names) == 1 else f"there are {len(names)} patients"
        raise BadTilesError(f"{count}; one has to be held out, and two or more to be learned from")
    folds = int(np.clip(round(1 / share), 2, len(names)))
    fold = grouped_folds(patients, strata, folds, np.random.default_rng([seed, 41]))
    whole = set(strata.tolist())
    fit = [k for k in range(folds) if set(strata[fold != k].tolist()) == whole and (fold == k).any()]
    if not fit:
        raise BadTilesError("whichever patients are held out, a class has no tiles left to learn from")
    best = max(fit, key=lambda k: (len(set(strata[fold == k].tolist())), -abs(float((fold == k).mean()) - share)))
    return np.asarray(fold == best, np.bool_)
