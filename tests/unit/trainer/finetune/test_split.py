"""Who says when to stop: whole patients, and no class is taken from the others."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.errors import BadTilesError
from services.trainer.finetune.split import held_out


@given(
    patients=st.lists(st.integers(0, 12), min_size=12, max_size=60),
    share=st.floats(0.05, 0.5),
    seed=st.integers(0, 1000),
)
def test_a_patient_is_never_on_both_sides_and_every_class_can_be_learned(
    patients: list[int], share: float, seed: int
) -> None:
    names = [f"P{place % 4 if i < 8 else patient}" for i, (place, patient) in enumerate(enumerate(patients))]
    label = np.arange(len(names)) // 4 % 2
    held = held_out(names, label, share, seed)
    assert held.any()
    assert not {n for n, out in zip(names, held, strict=True) if out} & {
        n for n, out in zip(names, held, strict=True) if not out
    }
    assert set(label[~held].tolist()) == set(label.tolist())


def test_the_same_seed_holds_out_the_same_patients() -> None:
    names, label = [f"P{i // 2}" for i in range(40)], np.arange(40) % 2
    assert np.array_equal(held_out(names, label, 0.2, 1), held_out(names, label, 0.2, 1))
    assert held_out(names, label, 0.2, 1).mean() == pytest.approx(0.2)


@pytest.mark.parametrize(("names", "sentence"), [(["A"] * 6, "there is 1 patient"), (["A", "B"] * 3, "2 patients")])
def test_too_few_patients_are_refused(names: list[str], sentence: str) -> None:
    with pytest.raises(BadTilesError, match=sentence):
        held_out(names, np.array([0, 1, 0, 1, 0, 1]), 0.2, 1)


def test_classes_of_one_patient_each_are_refused() -> None:
    with pytest.raises(BadTilesError, match="a class has no tiles left to learn from"):
        held_out(["A", "B", "C"], np.array([0, 1, 2]), 0.3, 1)
