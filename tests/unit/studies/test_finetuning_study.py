"""The evidence of fine-tuning: whose tile is whose, figures by hand and against scikit-learn, an honest sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from services.trainer.errors import BadTilesError
from services.trainer.finetune.assignment import Assignment
from services.trainer.finetune.run import Judged, tune_folds
from services.trainer.finetune.tile_dataset import Item, read_labelled
from services.trainer.metrics.grouped_auc import macro_auc
from tests.studies.finetuning import Job, read_base, run
from tests.studies.finetuning_report import Probed, accuracy, write_report
from tests.studies.labelled_tiles import Tiles, lung, osteosarcoma
from tests.support.finetuning import labelled_tiles, small_encoder

ONES = np.ones((1, 10))


def test_patients_are_read_from_the_published_names(tmp_path: Path) -> None:
    folder = tmp_path / "any/projects/Osteosarcoma/test"
    folder.mkdir(parents=True)
    names = ["Viable___Case-48-P5-C23-54011-19464_110", "Non-Tumor___P9-B6-5195-29864_106"]
    for name in [*names, "Non-Viable-Tumor___Case-3-A7-36617-26705_105"]:
        (folder / f"{name}.jpg").touch()
    data = osteosarcoma(tmp_path)
    assert data.classes == ("Non-Tumor", "Non-Viable-Tumor", "Viable")
    assert set(data.patients) == {"Case-48", "P9", "Case-3"}
    assert len(set(data.fold.tolist())) == 3
    with pytest.raises(BadTilesError, match="holds no tiles below"):
        lung(tmp_path)


def test_patients_of_training_and_test_are_others_although_their_numbers_are_not(tmp_path: Path) -> None:
    for subset in ("train", "test"):
        for label in ("LUAD", "LUSC"):
            (tmp_path / "tcga_luadlusc" / subset / label).mkdir(parents=True)
            for name in ("0_0_1.jpg", "0_1_1.jpg"):
                (tmp_path / "tcga_luadlusc" / subset / label / name).touch()
    data = lung(tmp_path)
    assert len(set(data.patients)) == 4
    assert data.tested.tolist() == [False] * 4 + [True] * 4


def test_figures_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    risk, label, group = rng.dirichlet(np.ones(3), 60).round(1), np.arange(60) % 3, np.arange(60) // 6
    assert accuracy(risk, label, group)(ONES)[0] == pytest.approx(float((risk.argmax(axis=1) == label).mean()))
    expected = np.mean([roc_auc_score(label == k, risk[:, k]) for k in range(3)])
    assert macro_auc(risk, label, group)(ONES)[0] == pytest.approx(expected)


def test_a_patient_drawn_twice_counts_twice_with_all_tiles() -> None:
    risk, label, group = np.eye(2)[[0, 0, 1]], np.array([0, 1, 1]), np.array([0, 0, 1])
    draws = np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 2.0]])
    assert accuracy(risk, label, group)(draws).tolist() == pytest.approx([2 / 3, 0.5, 1.0])
    twice = np.concatenate([np.arange(3), [2]])
    weighted = macro_auc(risk[:, ::-1], label, group)(np.array([[1.0, 2.0]]))[0]
    assert weighted == pytest.approx(roc_auc_score(label[twice], risk[twice, 0]))


@pytest.mark.parametrize(("better", "sentence"), [(True, "better on one set or more"), (False, "no gain was shown")])
def test_the_sentence_says_what_the_interval_allows(tmp_path: Path, better: bool, sentence: str) -> None:
    label = np.arange(60) % 2
    items = tuple(Item(f"P{i // 6}", (Path(str(i)),)) for i in range(60))
    data = Tiles("made", "Made-up tiles", items, label, ("a", "b"), np.zeros(60, np.int64))
    coin = np.random.default_rng(2).dirichlet(np.ones(2), 60)
    right = np.eye(2)[label]
    probed = Probed(0, 1, coin, right, right if better else coin, (1.0,), "tuned" if better else "frozen")
    write_report(tmp_path, [(data, [probed])], {"seeds": [1]})
    report = json.loads((tmp_path / "finetuning.json").read_text())["sets"][0]
    gain = report["macro_auc"]["gain_exported"]
    assert report["patients"] == 10
    assert gain["lo"] <= gain["est"] <= gain["hi"]
    assert sentence in (tmp_path / "finetuning.md").read_text()
    assert (tmp_path / "finetuning.svg").read_text().count("Made-up tiles") == 6


def test_nothing_that_is_tested_was_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    labelled = read_labelled(labelled_tiles(tmp_path / "tiles", patients=7))
    base = read_base(small_encoder(tmp_path / "encoder"))
    fold = np.array([int(item.patient == "P5") for item in labelled.items]) - 1
    data = Tiles("made", "", labelled.items, labelled.label, labelled.classes, fold)
    seen: list[str] = []

    def watched(assignment: Assignment, *rest: Any) -> Judged:
        seen.extend(assignment.patients)
        return tune_folds(assignment, *rest)

    monkeypatch.setattr("tests.studies.finetuning.tune_folds", watched)
    result = run(Job(data, 0, 1, base))
    assert set(seen) == {f"P{i}" for i in range(7)} - {"P5"}
    assert result.frozen.shape == result.tuned.shape == result.guarded.shape == (6, 2)
    assert result.exported == "frozen"
    assert len(result.shares) == 3
