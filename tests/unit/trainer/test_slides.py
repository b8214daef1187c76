"""Gated networks of tiles and table: what they learn, and that nobody is scored by who has seen them."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.simulation.simulate import SimulationPlan
from tests.support.cohorts import simulated
from tests.support.missing import optional_library

torch = optional_library("torch", "train")

from services.trainer.slides.gated import FOLDS, SEEDS  # noqa: E402 - needs torch
from services.trainer.slides.network import hazard_loss  # noqa: E402 - needs torch
from services.trainer.slides.stage import fit_slides  # noqa: E402 - its gated network needs torch
from services.trainer.slides.training import Bags, Schedule, train  # noqa: E402 - needs torch


def test_the_loss_counts_survived_intervals_and_the_event_and_nothing_after() -> None:
    logits = torch.zeros(1, 3, 2)
    at_risk = torch.tensor([[1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])  # event in the second, in the first, lost in the first
    happened = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    assert hazard_loss(logits, at_risk, happened)[0].tolist() == pytest.approx([2 * np.log(2), np.log(2), 0])


def test_the_gated_network_scores_its_own_patients_out_of_fold_and_new_ones_by_all(tmp_path: Path) -> None:
    cohort, embeddings = simulated(tmp_path, SimulationPlan(160, effect=3.0, tiles=40, width=16, shift=0.3))
    kept, new = cohort.take(np.arange(120)), cohort.take(np.arange(120, 160))
    model, seen = fit_slides(kept, embeddings, 1)
    scores = model.scores(new, model.tiles(embeddings, new.case_ids))
    assert model.gated is not None
    assert len(model.gated.networks.ensemble.attend) == FOLDS * SEEDS
    for log_risk, outcome in ((seen.gated, kept.outcome), (scores.gated, new.outcome)):
        assert log_risk is not None
        assert harrell_c(outcome, log_risk)(np.ones((1, len(outcome))))[0] > 0.6


def test_the_same_seed_gives_the_same_networks() -> None:
    rng = np.random.default_rng(0)
    bags = Bags([rng.normal(size=(5, 3)).astype(np.float32) for _ in range(30)])
    outcome, kept = Outcome(rng.exponential(2, 30), np.ones(30, np.int64)), np.ones((2, 30), np.bool_)
    one, two = (train(bags, outcome, kept, Schedule(epochs=3), 1) for _ in range(2))
    assert np.array_equal(one.log_risk(bags), two.log_risk(bags))


def test_bags_of_no_tiles_and_of_one_are_trained_on_and_scored() -> None:
    rng = np.random.default_rng(0)
    tiles = [rng.normal(size=(i % 2, 3)).astype(np.float32) for i in range(20)]
    outcome = Outcome(rng.exponential(2, 20), np.ones(20, np.int64))
    trained = train(Bags(tiles), outcome, np.ones((2, 20), np.bool_), Schedule(epochs=2), 1)
    assert np.isfinite(trained.log_risk(Bags(tiles))).all()
