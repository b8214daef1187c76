"""Who judges an encoder and who says when to stop: whole patients, and no class is taken from the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.finetune.split import LEAST, guard_folds, stopping


@given(
    patients=st.lists(st.integers(0, 12), min_size=12, max_size=60),
    folds=st.integers(2, 5),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 1000),
)
def test_a_patient_is_in_one_fold_and_never_both_learned_from_and_waited_for(
    patients: list[int], folds: int, share: float, seed: int
) -> None:
    names = [f"P{patient}" for patient in (*range(LEAST), *patients)]
    label = np.arange(len(names)) % 2
    fold = guard_folds(names, label, folds, share, seed)
    if fold is None:
        return
    assert len({*zip(names, fold.tolist(), strict=True)}) == len(set(names))
    for k in np.unique(fold):
        stop = stopping(names, label, np.flatnonzero(fold != k), share, seed)
        assert stop is not None
        groups = [{name for name, inside in zip(names, kept, strict=True) if inside} for kept in (fold == k, stop)]
        learned = {*names} - groups[0] - groups[1]
        assert not groups[0] & groups[1]
        assert set(label[(fold != k) & ~stop].tolist()) == {0, 1}
        assert learned


def test_the_same_seed_splits_the_same_patients() -> None:
    names, label = [f"P{i // 2}" for i in range(40)], np.arange(40) % 2
    first, again = (guard_folds(names, label, 3, 0.25, 1) for _ in range(2))
    assert first is not None
    assert again is not None
    assert np.array_equal(first, again)
    stop = stopping(names, label, np.arange(40), 0.2, 1)
    assert stop is not None
    assert stop.mean() == pytest.approx(0.2)


@pytest.mark.parametrize(
    "names", [["A"] * 6, list("ABCDE") * 2, [*"AAABCDEF"]], ids=["one", "five", "a class of one patient"]
)
def test_too_few_patients_judge_nothing(names: list[str]) -> None:
    label = np.array([int(name == "A") for name in names])
    assert guard_folds(names, label, 3, 0.25, 1) is None
