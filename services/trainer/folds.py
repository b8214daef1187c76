"""Splits patients into folds: balanced by what happened and by stratum, groups kept whole, the same for a seed."""

from collections.abc import Sequence

import numpy as np

from shared.arrays import Floats, Ints


def stratified_folds(strata: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Fold [n] of each patient; every stratum is dealt out evenly, one after the other."""
    order = rng.permutation(len(strata))
    ordered = order[np.argsort(strata[order], kind="stable")]
    result = np.empty(len(strata), np.int64)
    result[ordered] = (np.arange(len(strata)) + rng.integers(folds)) % folds
    return result


def patient_folds(case_ids: Sequence[str], strata: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """The same of patients who may stand there several times, as in a bootstrap cohort: each in one fold."""
    names, first, place = np.unique(np.array(case_ids), return_index=True, return_inverse=True)
    if len(names) == len(case_ids):
        return stratified_folds(strata, folds, rng)
    return np.asarray(stratified_folds(strata[first], folds, rng)[place], np.int64)


def grouped_folds(groups: Sequence[str], strata: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Fold [n] such that no group is split: large groups first, each to where it best evens out strata and size."""
    names = [str(name) for name in rng.permutation(sorted(set(groups)))]
    counts = {name: _counts(strata, np.array([group == name for group in groups])) for name in names}
    filled = np.zeros((folds, int(strata.max(initial=0)) + 2))
    place: dict[str, int] = {}
    for name in sorted(names, key=lambda item: -counts[item].sum()):
        place[name] = int(np.argmin([_unevenness(filled, fold, counts[name]) for fold in range(folds)]))
        filled[place[name]] += counts[name]
    return np.array([place[group] for group in groups], np.int64)


def _counts(strata: Ints, member: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Floats:
    by_stratum = np.bincount(strata[member], minlength=int(strata.max(initial=0)) + 1)
    return np.append(by_stratum, member.sum()).astype(np.float64)


def _unevenness(filled: Floats, fold: int, added: Floats) -> float:
    after = filled.copy()
    after[fold] += added
    return float(after.std(axis=0).sum())
