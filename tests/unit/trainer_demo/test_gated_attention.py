"""Gated attention: gradients are right, a planted signal is found, and ONNX gives the same numbers."""

import numpy as np
import onnxruntime as ort
import pytest

from services.trainer.demo import gated_attention as ga
from services.trainer.demo.gated_attention import Projection, attention, fit_projection, log_risk, to_onnx, train
from services.trainer.demo.simulated_bags import simulate_bags
from shared.arrays import Floats


def cohort(seed: int, n: int = 120, tiles: int = 10, axes: int = 3) -> tuple[Floats, Floats, Floats]:
    """Bags whose first axis carries a latent with hazard ratio e, times without censoring, the latent."""
    rng = np.random.default_rng(seed)
    latent = rng.normal(size=n)
    bags = rng.normal(size=(n, tiles, axes))
    bags[:, :, 0] += latent[:, None]
    return bags, rng.exponential(np.exp(-latent)), latent


def _loss(weights: ga.Weights, bags: Floats, times: Floats) -> float:
    risk = log_risk(weights, bags)
    at_risk = times[None, :] >= times[:, None]
    return float(np.mean(np.log(at_risk @ np.exp(risk)) - risk))


@pytest.mark.parametrize("name", ["beta", "w", "v", "u", "bv", "bu"])
def test_gradients_agree_with_finite_differences(name: str) -> None:
    bags, times, _ = cohort(0, n=12, tiles=4)
    weights = ga._start(3, np.random.default_rng(1))
    gradient = ga._gradients(weights, bags, times, np.ones(12, bool))[name]
    place = tuple(0 for _ in weights[name].shape)
    moved = {key: value.copy() for key, value in weights.items()}
    moved[name][place] += 1e-6
    expected = (_loss(moved, bags, times) - _loss(weights, bags, times)) / 1e-6
    assert gradient[place] == pytest.approx(expected, abs=1e-4)


def test_a_planted_signal_is_found_in_patients_never_seen() -> None:
    bags, times, _ = cohort(1)
    weights = train(bags, times, np.ones(len(times), bool), np.random.default_rng(0))
    unseen, _, latent = cohort(2)
    assert np.corrcoef(log_risk(weights, unseen), latent)[0, 1] > 0.85


def test_attention_prefers_the_tiles_that_carry_the_signal() -> None:
    rng = np.random.default_rng(0)
    real, latent = rng.gamma(9.0, size=(60, 12)), rng.normal(size=300)
    bags = simulate_bags(real, latent, np.zeros(300, np.int64), rng)
    projected = fit_projection(real, 4)(bags.features)
    weights = train(projected, rng.exponential(np.exp(-latent)), np.ones(300, bool), rng)
    seen = attention(weights, projected)
    assert seen.sum(axis=1) == pytest.approx(1)
    assert seen[bags.showing].mean() > 2 * seen[~bags.showing].mean()


def test_training_is_the_same_for_the_same_seed() -> None:
    bags, times, _ = cohort(3, n=30)
    one, two = (train(bags, times, np.ones(30, bool), np.random.default_rng(7)) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_onnx_gives_the_numbers_of_numpy_for_any_number_of_tiles() -> None:
    rng = np.random.default_rng(0)
    projection, weights = fit_projection(rng.normal(size=(40, 6)), 3), ga._start(3, rng)
    session = ort.InferenceSession(to_onnx(projection, weights), providers=["CPUExecutionProvider"])
    for tiles in (1, 7):
        bag = rng.normal(size=(tiles, 6)).astype(np.float32)
        said, seen = session.run(["log_risk", "attention"], {"bag": bag})
        assert said == pytest.approx(log_risk(weights, projection(bag[None].astype(np.float64)))[0], abs=1e-5)
        assert seen.shape == (tiles,)
        assert seen.sum() == pytest.approx(1, abs=1e-6)


def test_a_projection_has_unit_spread_on_what_it_was_fitted_on() -> None:
    tiles = np.random.default_rng(0).normal(size=(50, 5)) * [1, 2, 3, 4, 5]
    projection: Projection = fit_projection(tiles, 2)
    assert projection(tiles).std(axis=0, ddof=1) == pytest.approx([1, 1])
