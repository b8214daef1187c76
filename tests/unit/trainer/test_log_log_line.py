"""The calibration line against statsmodels 0.15.0: GLM, Binomial, CLogLog link, frequency weights, tolerance 1e-12."""

import numpy as np
import pytest

from services.trainer.metrics.log_log_line import Observations, fit

PATIENTS = np.arange(40)
_STEEP = (PATIENTS >= 20) & ~np.isin(PATIENTS, (22, 24)) | (PATIENTS == 17)
MIXED = Observations(
    (PATIENTS * 7) % 10 < 4,
    (-2 + 0.1 * (PATIENTS % 11)).astype(np.float64),
    (1 + 0.25 * (PATIENTS % 3))[None].astype(np.float64),
)
STEEP = Observations(_STEEP, (-1 + 0.02 * PATIENTS).astype(np.float64), np.ones((1, 40)))
TINY = Observations(np.array([False, True, False, True, False]), np.array([-3, -2.5, -1, -0.5, 0.2]), np.ones((1, 5)))


def seen(is_event: list[int], x: list[float]) -> Observations:
    """One sample, each patient once."""
    return Observations(np.array(is_event, bool), np.array(x, np.float64), np.ones((1, len(x))))


@pytest.mark.parametrize(
    ("observations", "intercept", "slope"),
    [(MIXED, 0.27453864, 0.66286141), (STEEP, 8.12639152, 14.8000152), (TINY, -0.83163446, -0.11374246)],
)
def test_intercept_and_slope_are_those_of_statsmodels(
    observations: Observations, intercept: float, slope: float
) -> None:
    a, b = fit(observations, slope=True)
    assert (a[0], b[0]) == (pytest.approx(intercept, abs=1e-6), pytest.approx(slope, abs=1e-6))


@pytest.mark.parametrize(("observations", "shift"), [(MIXED, 0.77120226), (STEEP, 0.23201578), (TINY, 0.02450511)])
def test_the_shift_at_slope_one_is_that_of_statsmodels(observations: Observations, shift: float) -> None:
    a, b = fit(observations, slope=False)
    assert (a[0], b[0]) == (pytest.approx(shift, abs=1e-6), 1)


@pytest.mark.parametrize(
    ("is_event", "x"),
    [
        pytest.param([0, 0, 0, 1, 1], [1, 2, 3, 4, 5], id="separated"),
        pytest.param([0, 0, 1, 1, 1], [-1e-3, -1e-3, 0, 1e-3, 1e-3], id="separated within a small spread"),
        pytest.param([1, 1, 0, 0, 0], [1, 2, 3, 4, 5], id="separated the wrong way"),
        pytest.param([1, 0, 1, 1, 0], [2, 2, 2, 2, 2], id="constant"),
        pytest.param([1, 1, 1], [1, 2, 3], id="events only"),
        pytest.param([0, 0, 0], [1, 2, 3], id="no event"),
        pytest.param([1, 0], [1, 2], id="two patients"),
    ],
)
def test_what_data_cannot_tell_is_no_number(is_event: list[int], x: list[float]) -> None:
    a, b = fit(seen(is_event, x), slope=True)
    assert np.isnan(a[0])
    assert np.isnan(b[0])


def test_each_sample_has_the_line_that_it_has_alone() -> None:
    weights = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40), 20).astype(np.float64)
    together = fit(Observations(MIXED.is_event, MIXED.x, weights), slope=True)
    alone = [fit(Observations(MIXED.is_event, MIXED.x, row[None]), slope=True) for row in weights]
    assert together[1].tolist() == pytest.approx([float(b[0]) for _, b in alone], abs=1e-8, nan_ok=True)


def test_moving_the_scale_moves_the_intercept_alone() -> None:
    moved = Observations(STEEP.is_event, STEEP.x + 100, STEEP.weights)
    (a, b), (moved_a, moved_b) = fit(STEEP, slope=True), fit(moved, slope=True)
    assert moved_b[0] == pytest.approx(b[0], abs=1e-6)
    assert moved_a[0] == pytest.approx(a[0] - 100 * b[0], rel=1e-8)
