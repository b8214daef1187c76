"""The guard: a tuned encoder is exported where patients out of fold gain by it, else the frozen one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from services.trainer.cohort.cohort import Outcome
from services.trainer.finetune.assignment import Base
from services.trainer.finetune.checkpoint import Progress
from services.trainer.finetune.fold import FoldResult
from services.trainer.finetune.guard import compare, on_seen
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.run import Tuned, mean_head, tune_folds
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.targets import Classes, Hazards
from services.trainer.finetune.task import Head
from services.trainer.finetune.tile_dataset import decode, read_labelled
from services.trainer.finetune.training import Lesson, train
from services.trainer.finetune.tunable import Tunable
from tests.support.finetuning import EQUALLY_BRIGHT, PINK, labelled_tiles
from tests.unit.trainer.finetune.conftest import Run

SETTINGS = Settings(epochs=6, share=1.0, rate=2e-2, batch=8, stain=0.0, pull=0.01)


@pytest.fixture(scope="module")
def gained(blind: Base, tiles: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    return Run(blind, tiles, SETTINGS)(tmp_path_factory.mktemp("gained"))


def test_a_signal_that_only_a_tuned_encoder_finds_is_exported(gained: Tuned, blind: Base) -> None:
    guard = gained.facts["guard"]
    assert (guard["exported"], gained.model_is_frozen) == ("tuned", False)
    assert guard["frozen"]["est"] < 0.8
    assert guard["tuned"]["est"] > 0.95
    assert guard["gain"]["lo"] > 0
    assert max(guard["shares"]) > 0
    assert gained.model != blind.model
    assert gained.facts["parity"] < 1e-4


def test_the_exported_mean_tells_the_classes_of_patients_apart_that_no_fold_has_seen(
    gained: Tuned, blind: Base, tmp_path: Path
) -> None:
    unseen = read_labelled(labelled_tiles(tmp_path / "unseen", colours=EQUALLY_BRIGHT, seed=17))
    pixels = np.stack([decode(item.files[0], blind.px) for item in unseen.items])
    session = ort.InferenceSession(gained.model, providers=["CPUExecutionProvider"])
    (features,) = session.run(None, {session.get_inputs()[0].name: pixels})
    scores = Classes(unseen.label).scores(gained.head.linear(np.asarray(features, np.float64)), gained.head.bias)
    assert on_seen(Classes(unseen.label), [item.patient for item in unseen.items], scores) > 0.95
    assert gained.facts["guard"]["mean_on_seen"] > 0.95


def test_a_gain_that_the_mean_of_the_folds_encoders_has_lost_is_not_exported(
    blind: Base, tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opposed(folds: Sequence[FoldResult]) -> Head:
        head = mean_head(folds)
        return Head(-head.weight, -head.bias)

    monkeypatch.setattr("services.trainer.finetune.run.mean_head", opposed)
    tuned = Run(blind, tiles, SETTINGS)(tmp_path)
    guard = tuned.facts["guard"]
    assert guard["gain"]["lo"] > 0
    assert guard["mean_on_seen"] < guard["frozen"]["est"]
    assert (guard["exported"], tuned.model) == ("frozen", blind.model)


def test_labels_without_a_signal_leave_the_frozen_encoder(base: Base, tmp_path: Path) -> None:
    tiles = labelled_tiles(tmp_path / "tiles", colours=(PINK, PINK))
    tuned = Run(base, tiles, SETTINGS)(tmp_path / "out")
    assert tuned.facts["guard"]["exported"] == "frozen"
    assert tuned.facts["guard"]["gain"]["lo"] <= 0
    assert tuned.model == base.model


def test_too_few_patients_train_nothing(blind: Base, tmp_path: Path) -> None:
    tiles = labelled_tiles(tmp_path / "tiles", patients=5)
    run = Run(blind, tiles, SETTINGS)
    tuned = run(tmp_path / "out")
    assert run.assignment.fold is None
    assert (tuned.facts["guard"]["gain"], tuned.facts["guard"]["shares"]) == (None, [])
    assert tuned.model == blind.model
    assert np.isfinite(tuned.head.weight).all()


def test_scores_of_a_fold_are_of_an_encoder_that_has_not_seen_its_patients(
    blind: Base, tiles: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(blind, tiles, Settings(epochs=1, batch=8))
    fold = run.assignment.fold
    assert fold is not None
    seen: list[set[str]] = []
    patients = np.array(run.assignment.patients)

    def watched(tunable: Tunable, lesson: Lesson, *rest: Any) -> Progress:
        assert not {*patients[lesson.learned]} & {*patients[lesson.stop]}
        seen.append({*patients[lesson.learned | lesson.stop]})
        return train(tunable, lesson, *rest)

    monkeypatch.setattr("services.trainer.finetune.fold.train", watched)
    judged = tune_folds(run.assignment, blind, Ranks(), tmp_path, lambda *_: None)
    assert len(judged.folds) == len(seen) == 3
    assert all(not names & {*patients[fold == k]} for k, names in enumerate(seen))


def test_a_gain_of_every_patient_counts_and_one_of_half_of_them_does_not() -> None:
    label, patients = np.arange(80) % 2, [f"P{i // 8}" for i in range(80)]
    coin = np.random.default_rng(3).dirichlet(np.ones(2), 80)
    right = np.eye(2)[label]
    half = np.where((np.arange(80) // 8 % 2 == 0)[:, None], right, 1 - right)
    assert compare(Classes(label), patients, coin, right, 1).gained
    assert not compare(Classes(label), patients, coin, half, 1).gained
    assert not compare(Classes(label), patients, right, right, 1).gained


def test_the_outcome_of_patients_is_judged_by_concordance() -> None:
    outcome = Outcome(np.arange(1.0, 13.0), np.ones(12, np.int64))
    names = [f"P{i:02}" for i in range(11, -1, -1)]
    risk = -np.arange(12.0)[:, None]
    compared = compare(Hazards(outcome), names, np.zeros((12, 1)), risk, 1)
    assert (compared.frozen.est, compared.tuned.est) == (0.5, 1.0)
    assert compared.gained
