"""How much models of different patients agree, by models of folds, which have most of their patients in common."""

import numpy as np
import pytest

from services.trainer.out_of_fold import agreement
from shared.arrays import Floats

PATIENTS, COLUMNS = 200, 400


def means(rng: np.random.Generator, noise: float) -> tuple[Floats, Floats]:
    """What each patient says of every column [patients, columns], and the truth that they say with noise."""
    truth = rng.normal(size=COLUMNS)
    return truth + rng.normal(scale=noise * np.sqrt(PATIENTS), size=(PATIENTS, COLUMNS)), truth


@pytest.mark.parametrize("folds", [2, 5, 10])
@pytest.mark.parametrize("noise", [0.3, 1.0])
def test_models_of_folds_tell_how_far_models_of_other_patients_agree(folds: int, noise: float) -> None:
    patients, _ = means(np.random.default_rng(folds), noise)
    fold = np.arange(PATIENTS) % folds
    models = np.stack([patients[fold != each].mean(axis=0) for each in range(folds)])
    expected = 1 / (1 + noise**2)
    assert agreement(models, np.arange(folds)) == pytest.approx(expected, abs=0.12)
    assert folds == 2 or np.corrcoef(models)[0, 1] > expected + 0.05


def test_models_that_learned_nothing_agree_in_nothing() -> None:
    patients = np.random.default_rng(1).normal(size=(PATIENTS, COLUMNS))
    models = np.stack([patients[np.arange(PATIENTS) % 5 != each].mean(axis=0) for each in range(5)])
    assert agreement(models, np.arange(5)) < 0.2
    assert agreement(np.zeros((5, 7)), np.arange(5)) == 0


def test_equal_models_agree_wholly() -> None:
    assert agreement(np.tile(np.arange(7.0), (5, 1)), np.arange(5)) == pytest.approx(1)
