"""The probe: converged to the minimum that scikit-learn finds, its ridge chosen on patients, its head the same."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from services.trainer.finetune.probe import RIDGES, Scale, _fitted, probe
from services.trainer.finetune.targets import Classes

ALL = np.ones(60, np.bool_)
PATIENTS = [f"P{i // 6}" for i in range(60)]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def simulated(signal: float, width: int = 5) -> tuple[np.ndarray, Classes]:
    rng = np.random.default_rng(4)
    label = np.arange(60) % 2
    return rng.normal(0, 1, (60, width)) + signal * label[:, None], Classes(label)


def test_it_finds_the_minimum_that_scikit_learn_finds() -> None:
    features, targets = simulated(1.0)
    ridge = 0.1
    scale = Scale.of(features)
    mine = _fitted(features, targets.task(ALL), np.arange(60), ridge, scale)
    reference = LogisticRegression(C=1 / (ridge * 60), max_iter=2000, tol=1e-10)
    reference.fit(scale(features), targets.label)
    assert mine.weight[:, 1] - mine.weight[:, 0] == pytest.approx(reference.coef_[0], rel=1e-2)


def test_its_head_gives_the_same_on_features_as_they_are_served() -> None:
    features, targets = simulated(1.0)
    mine = probe(features, targets, PATIENTS, ALL, 1)
    assert mine.head().logits(features) == pytest.approx(mine.logits(features).numpy())


def test_noise_gets_a_stronger_ridge_than_a_signal() -> None:
    ridges = [probe(*simulated(signal, 40), PATIENTS, ALL, 1).ridge for signal in (0.0, 2.0)]
    assert ridges[0] == max(RIDGES)
    assert ridges[1] < ridges[0]
