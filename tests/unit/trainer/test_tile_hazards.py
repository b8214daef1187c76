"""Hazards of tiles: what they find, on small and odd cohorts too, and that mil.onnx gives the trainer's numbers."""

from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from services.trainer.bundle.onnx_mil import to_onnx
from services.trainer.cohort.cohort import Outcome
from services.trainer.cohort.embeddings import Features, read_embeddings
from services.trainer.profile import load_profile
from services.trainer.simulation.rare import PATTERN
from services.trainer.simulation.simulate import SimulationPlan
from services.trainer.slides.hazards import FOLDS, TileHazards
from services.trainer.slides.projection import Projection
from services.trainer.slides.stage import fit_slides
from services.trainer.slides.tile_columns import TileColumns
from services.trainer.slides.tile_ridges import fit_weights
from shared.model.onnx_mil import OnnxMil
from tests.studies.pool_bags import PoolCohortPlan
from tests.studies.tile_pool import TilePool
from tests.support.cohorts import simulated, write_bags

RNG = np.random.default_rng(0)
CENTRES = tuple(RNG.normal(size=(k, 4)).astype(np.float32) for k in (16, 32, 64))
WEIGHTS = RNG.normal(size=116)
PROJECTION = Projection(
    RNG.normal(size=32).astype(np.float32), np.linalg.qr(RNG.normal(size=(32, 4)))[0].astype(np.float32)
)
HAZARDS = TileHazards(TileColumns(CENTRES), np.full(116, 0.1), WEIGHTS)
MIL = OnnxMil(to_onnx(PROJECTION, HAZARDS))


def bag_of(tiles: int) -> Features:
    return np.random.default_rng(tiles).normal(size=(tiles, 32)).astype(np.float32)


@pytest.mark.parametrize("tiles", [1, 2, 300, 20_000])
def test_the_file_gives_the_mean_log_hazard_of_the_tiles_and_their_share_of_the_hazard(tiles: int) -> None:
    bag = bag_of(tiles)
    hazards = HAZARDS.of_tiles(PROJECTION(bag))
    answer = MIL(bag)
    assert answer.log_risk == pytest.approx(hazards.mean(), abs=1e-5)
    assert answer.log_risk == pytest.approx(HAZARDS.log_risk([PROJECTION(bag)])[0], abs=1e-5)
    assert answer.attention == pytest.approx(np.exp(hazards) / np.exp(hazards).sum(), rel=1e-4)
    assert answer.attention.sum() == pytest.approx(1, abs=1e-5)
    assert answer.projected == pytest.approx(PROJECTION(bag), abs=1e-5)


def test_the_order_of_tiles_changes_nothing_but_the_order_of_their_shares() -> None:
    bag, order = bag_of(500), np.random.default_rng(1).permutation(500)
    one, two = MIL(bag), MIL(bag[order])
    assert two.log_risk == pytest.approx(one.log_risk, abs=1e-6)
    assert two.attention == pytest.approx(one.attention[order], rel=1e-5)


def test_the_same_hazards_give_the_same_file() -> None:
    assert to_onnx(PROJECTION, HAZARDS) == to_onnx(PROJECTION, HAZARDS)


def test_hazards_without_weight_give_every_case_0_and_every_tile_the_same_share() -> None:
    nothing = OnnxMil(to_onnx(PROJECTION, TileHazards(HAZARDS.columns, HAZARDS.mean, np.zeros(116))))
    answer = nothing(bag_of(7))
    assert answer.log_risk == 0
    assert answer.attention == pytest.approx(np.full(7, 1 / 7))


def test_the_latent_of_simulated_tiles_is_found_out_of_fold_and_in_new_patients(tmp_path: Path) -> None:
    cohort, embeddings = simulated(tmp_path, SimulationPlan(160, effect=3.0, tiles=40, width=16, shift=0.3))
    truth = np.loadtxt(tmp_path / "SIMULATED_truth.csv", delimiter=",", skiprows=1, usecols=1)
    kept, new = np.arange(120), np.arange(120, 160)
    model, seen = fit_slides(cohort.take(kept), embeddings, 1, gated=False)
    others = cohort.take(new)
    scores = model.scores(others, model.tiles(embeddings, others.case_ids))
    for log_risk, latent in ((seen.view.log_risk, truth[kept]), (scores.view.log_risk, truth[new])):
        known = ~np.isnan(log_risk)
        assert np.corrcoef(log_risk[known], latent[known])[0, 1] > 0.5
    assert (np.isnan(seen.view.log_risk) == ~embeddings.has(cohort.case_ids)[kept]).all()
    assert 0.5 < model.agreement <= 1


def test_a_rare_kind_of_tile_that_raises_the_hazard_is_found_out_of_fold(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    features = rng.normal(size=(15, 5, 20, 8)) * 0.3 + 3 * np.eye(8)[:5][None, :, None, :]
    pool = TilePool(features.astype(np.float16), np.r_[np.repeat(np.arange(5), 2), np.repeat(np.arange(1000, 1005), 1)])
    drawn = PoolCohortPlan(3, "rare", 3.0, 200).draw(pool, tmp_path, load_profile())
    model, scores = fit_slides(drawn.cohort, drawn.bags, 1, gated=False)
    has_tiles = ~np.isnan(scores.view.log_risk)
    assert has_tiles.sum() == sum(drawn.simulated.has_slides)
    assert np.corrcoef(scores.view.log_risk[has_tiles], drawn.latent[has_tiles])[0, 1] > 0.6
    tiles = (pool.features[:, kind].reshape(-1, 8).astype(np.float32) for kind in range(5))
    assert int(np.argmax([model.hazards.of_tiles(model.projection(each)).mean() for each in tiles])) == PATTERN


def test_each_head_weighs_its_own_columns_and_the_log_risk_is_their_mean() -> None:
    rng = np.random.default_rng(3)
    x, folds = rng.normal(size=(200, 5)), np.arange(200) % FOLDS
    outcome = Outcome(rng.exponential(np.exp(-x[:, 0] - x[:, 3])), np.ones(200, np.int64))
    heads = [slice(0, 2), slice(2, 5)]
    both = fit_weights(x, heads, outcome, folds, FOLDS)
    alone = [fit_weights(x[:, head], [slice(0, head.stop - head.start)], outcome, folds, FOLDS) for head in heads]
    assert all(each.weights.any() for each in alone)
    assert both.weights == pytest.approx(np.hstack([each.weights for each in alone]) / 2)
    assert both.log_risk == pytest.approx((alone[0].log_risk + alone[1].log_risk) / 2)


@pytest.mark.parametrize(("patients", "tiles", "events"), [(30, 1, 9), (12, 2, 0), (2, 3, 2), (1, 3, 1)])
def test_cohorts_of_few_patients_tiles_or_events_get_numbers(
    tmp_path: Path, patients: int, tiles: int, events: int
) -> None:
    cohort, embeddings = simulated(tmp_path, SimulationPlan(40, effect=1.0, tiles=tiles, width=8))
    small = cohort.take(np.flatnonzero(embeddings.has(cohort.case_ids))[:patients])
    outcome = Outcome(small.outcome.time, (np.arange(patients) < events).astype(np.int64))
    model, scores = fit_slides(small.with_outcome(outcome), embeddings, 1, gated=False)
    new = model.scores(cohort, model.tiles(embeddings, cohort.case_ids)).view.log_risk
    assert np.isfinite(scores.view.log_risk).all()
    assert (np.isfinite(new) == embeddings.has(cohort.case_ids)).all()
    assert model.hazards.has_weight or model.agreement == 0


def test_slides_that_all_look_the_same_get_no_weight(tmp_path: Path) -> None:
    cohort, _ = simulated(tmp_path, SimulationPlan(40, tiles=5, width=8))
    embeddings = read_embeddings(write_bags(tmp_path / "same", {case: np.ones((5, 8)) for case in cohort.case_ids}))
    model, scores = fit_slides(cohort, embeddings, 1, gated=False)
    assert not model.hazards.has_weight
    assert scores.view.log_risk.tolist() == [0] * 40


def test_one_thread_and_two_give_the_same_file(tmp_path: Path) -> None:
    cohort, embeddings = simulated(tmp_path, SimulationPlan(80, effect=3.0, tiles=60, width=16))
    files = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            model, _ = fit_slides(cohort, embeddings, 1, gated=False)
        files.append(to_onnx(model.projection, model.hazards))
    assert files[0] == files[1]
