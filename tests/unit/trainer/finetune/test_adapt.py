"""Tiles without labels: they change the encoder, a fold's patients are left out, and the guard still decides."""

from pathlib import Path

import pytest
import torch

from services.trainer.finetune.adapt import Unlabelled, adapted, contrast
from services.trainer.finetune.assignment import Base
from services.trainer.finetune.network import Encoder
from services.trainer.finetune.ranks import Ranks
from services.trainer.finetune.settings import Settings
from services.trainer.finetune.tile_dataset import read_unlabelled
from tests.support.finetuning import PINK, labelled_tiles
from tests.unit.trainer.finetune.conftest import Run

SETTINGS = Settings(epochs=1, share=1.0, batch=8, unlabelled_epochs=2, unlabelled_rate=1e-2)


@pytest.fixture(scope="module")
def unlabelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return labelled_tiles(tmp_path_factory.mktemp("tiles"), colours=(PINK, PINK)) / "pink"


def test_it_changes_the_weights_and_the_same_seed_changes_them_alike(
    base: Base, unlabelled: Path, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    tiles = Unlabelled(read_unlabelled(unlabelled).items, base.px)
    results = []
    for name in ("first", "again"):
        (tmp_path / name).mkdir()
        work = tmp_path / name
        results.append(adapted(base.model, base.width, tiles, SETTINGS, Ranks(), work, lambda *_: None))
    encoder = Encoder(base.model)
    encoder.train_last(1.0)
    before = encoder.weights()
    assert all(torch.equal(value, results[1][name]) for name, value in results[0].items())
    assert any(not torch.allclose(value, before[name]) for name, value in results[0].items())


def test_adapting_where_labels_carry_no_signal_leaves_the_frozen_encoder(
    base: Base, unlabelled: Path, tmp_path: Path
) -> None:
    tuned = Run(base, unlabelled.parent, SETTINGS, unlabelled)(tmp_path)
    assert tuned.facts["unlabelled"] == 18
    assert tuned.facts["guard"]["exported"] == "frozen"
    assert tuned.model == base.model


def test_tiles_of_the_patients_of_a_fold_are_left_out(unlabelled: Path) -> None:
    tiles = Unlabelled(read_unlabelled(unlabelled).items, 32).without({"P0", "P3"})
    assert {item.patient for item in tiles.items} == {"P1", "P2", "P4", "P5"}


def test_views_of_one_tile_that_are_alike_cost_least() -> None:
    views = torch.eye(4)
    assert contrast(views, views) < contrast(views, views.roll(1, dims=0))
