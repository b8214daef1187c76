"""Secondary figures, counted by hand and held to lifelines: reclassification, DeLong, Fine-Gray, Wilson."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from services.trainer.arms.cox import Sample, fit_cox
from services.trainer.cohort.cohort import Outcome
from services.trainer.metrics import discrimination
from services.trainer.metrics.bootstrap import Bootstrap, wilson
from services.trainer.metrics.censoring import censoring_survival
from services.trainer.metrics.delong import delong, placements
from services.trainer.metrics.fine_gray import FineGray
from services.trainer.metrics.reclassification import continuous_nri, idi
from services.trainer.metrics.statistic import Difference, Ratio, Statistic
from services.trainer.validation.recalibration import cross_recalibrated
from shared.arrays import Floats

DEAD_OR_FREE = Outcome(np.array([1.0, 2.0, 5.0, 6.0, 7.0]), np.array([1, 1, 0, 0, 2]))
"""Two relapses by 3 years, three without."""


def value(statistic: Statistic, patients: int) -> float:
    return float(statistic(np.ones((1, patients)))[0])


def numbers(*values: float) -> Floats:
    return np.array(values, np.float64)


def drawn(seed: int, patients: int, causes: int) -> tuple[Outcome, Floats]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=patients)
    happens, lost = rng.exponential(np.exp(1.2 - 0.6 * x)), rng.uniform(0.5, 6, patients)
    event = np.where(happens <= lost, rng.integers(1, causes + 1, patients), 0)
    return Outcome(np.minimum(happens, lost), event.astype(np.int64)), x


def test_net_reclassification_counts_who_moved_to_the_right_side() -> None:
    old, new = numbers(0.5, 0.5, 0.5, 0.5, 0.5), numbers(0.6, 0.5, 0.4, 0.4, 0.9)
    # relapses: one up, one still: 1/2; others: two down, one up: -1/3
    assert value(continuous_nri(DEAD_OR_FREE, new, old, 3), 5) == pytest.approx(1 / 2 + 1 / 3)


def test_discrimination_gain_is_the_difference_of_mean_gains() -> None:
    old, new = numbers(0.5, 0.5, 0.5, 0.5, 0.5), numbers(0.6, 0.5, 0.4, 0.4, 0.9)
    assert value(idi(DEAD_OR_FREE, new, old, 3), 5) == pytest.approx(0.05 - 0.2 / 3)


def test_who_is_lost_before_the_horizon_hands_weight_on_in_reclassification() -> None:
    lost = Outcome(numbers(1, 2, 5, 6), np.array([1, 0, 0, 0]))  # the two followed past 3 years count 3/2 each
    assert value(continuous_nri(lost, numbers(1, 1, 1, 0), numbers(0, 0, 0, 1), 3), 4) == pytest.approx(1.0)


def test_a_model_against_itself_is_no_gain_and_no_doubt() -> None:
    risk = numbers(0.1, 0.3, 0.2, 0.5, 0.4)
    figures = delong(DEAD_OR_FREE, [risk], [risk], 3)
    assert (figures.est, figures.lo, figures.hi, figures.p) == (0, 0, 0, 1)


def test_placement_values_equal_those_counted_by_hand() -> None:
    yes, no = numbers(1, 1, 0, 0, 0), numbers(0, 0, 1, 1, 2)
    placed = placements(numbers(3, 1, 2, 1, 0), yes, no)
    # case 1 is above all; case 2 ties with one of weight 1 and is above 2 of 4; controls: share of cases above
    assert placed.tolist() == pytest.approx([1, 2.5 / 4, 1 / 2, 3 / 4, 1])


def test_delong_equals_what_is_computed_by_hand() -> None:
    outcome = Outcome(numbers(1, 1, 5, 5), np.array([1, 1, 0, 0]))
    first, second = numbers(4, 2, 3, 1), numbers(1, 1, 1, 1)
    figures = delong(outcome, [first], [second], 3)
    # placements less one half: cases 1/2, 0; controls 0, 1/2; variance 2 * (1/4)^2 / 2 each, twice
    assert figures.est == pytest.approx(0.25)
    assert figures.hi == pytest.approx(0.25 + 1.959964 * np.sqrt(2 * (1 / 16)))


def test_delong_without_censoring_is_the_classical_one_and_near_the_bootstrap() -> None:
    rng = np.random.default_rng(8)
    is_event = rng.random(200) < 0.4
    outcome = Outcome(np.where(is_event, 1.0, 5.0), is_event.astype(np.int64))
    first = rng.normal(size=200) + is_event
    second = 0.5 * first + rng.normal(size=200)
    figures = delong(outcome, [first], [second], 3)
    above = [np.subtract.outer(x[is_event], x[~is_event]) > 0 for x in (first, second)]
    v10, v01 = ([part.mean(axis=axis) for part in above] for axis in (1, 0))
    variance = np.var(v10[0] - v10[1], ddof=1) / is_event.sum() + np.var(v01[0] - v01[1], ddof=1) / (~is_event).sum()
    assert figures.est is not None
    assert figures.hi is not None
    assert figures.est == pytest.approx(above[0].mean() - above[1].mean())
    assert (figures.hi - figures.est) / 1.959964 == pytest.approx(np.sqrt(variance))
    areas = Difference(discrimination.auc(outcome, first, 3), discrimination.auc(outcome, second, 3))
    assert Bootstrap.of(200, 1, 800).draws(areas).std() == pytest.approx(np.sqrt(variance), rel=0.15)


def test_delong_without_two_of_either_kind_says_nothing() -> None:
    outcome = Outcome(numbers(1, 5, 6), np.array([1, 0, 0]))
    assert delong(outcome, [numbers(3, 2, 1)], [numbers(1, 2, 3)], 3).p is None


@pytest.mark.parametrize("seed", range(3))
def test_fine_gray_without_competing_events_is_cox(seed: int) -> None:
    outcome, x = drawn(seed, 120, causes=1)
    expected = fit_cox(Sample.of(x[:, None], outcome.time, outcome.is_event), 0.0)[0]
    assert value(FineGray.of(outcome, x), 120) == pytest.approx(expected, abs=1e-6)


def test_fine_gray_equals_what_is_computed_by_hand() -> None:
    # relapses at 1 (x 1) and 3 (x 0), a death at 2 (x 1), nobody lost: the dead patient stays at risk at 3
    outcome = Outcome(numbers(1, 2, 3, 4), np.array([1, 2, 1, 1]))
    hazard_ratio = np.exp(value(FineGray.of(outcome, numbers(1, 1, 0, 0)), 4))
    # gradient: at 1 among x 1 1 0 0: 1 - 2r/(2r+2); at 3 among x 1 0 0: -r/(r+2); at 4 among 1 0: -r/(r+1)
    assert 1 - 2 * hazard_ratio / (2 * hazard_ratio + 2) - hazard_ratio / (hazard_ratio + 2) - hazard_ratio / (
        hazard_ratio + 1
    ) == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_fine_gray_equals_the_cox_model_of_lifelines_on_the_table_drawn_out_by_hand(seed: int) -> None:
    outcome, x = drawn(seed, 90, causes=2)
    rows = []
    lost = censoring_survival(outcome)
    later = np.unique(outcome.time[outcome.is_event])
    for i, (time, event) in enumerate(zip(outcome.time, outcome.event, strict=True)):
        rows.append((0.0, time, event == 1, x[i], 1.0))
        for start, stop in pairwise([time, *later[(later > time) & (event == 2)]]):
            weight = float(lost.before(numbers(stop))[0] / lost.before(numbers(time))[0])
            rows.append((start, stop, False, x[i], weight))
    table = pd.DataFrame(rows, columns=["start", "stop", "event", "x", "weight"])
    judge = CoxPHFitter().fit(table, "stop", "event", entry_col="start", weights_col="weight", robust=True)
    assert value(FineGray.of(outcome, x), 90) == pytest.approx(float(judge.params_["x"]), abs=1e-4)


def test_a_patient_drawn_twice_counts_twice_in_fine_gray() -> None:
    outcome, x = drawn(5, 60, causes=1)
    weights = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), 1).astype(np.float64)
    again = np.repeat(np.arange(60), weights[0].astype(np.int64))
    alone = Outcome(outcome.time[again], outcome.event[again])
    assert FineGray.of(outcome, x)(weights)[0] == pytest.approx(value(FineGray.of(alone, x[again]), 60), abs=1e-6)


def test_wilsons_interval_equals_what_is_computed_by_hand() -> None:
    # 8 of 8: centre 0.8378, reach 0.1622 (z 1.96)
    interval = wilson(1.0, 8)
    assert (interval.lo, interval.hi) == pytest.approx((0.6756, 1.0), abs=1e-4)
    half = wilson(0.5, 10)
    assert (half.lo, half.hi) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_unequal_weights_are_worth_fewer_patients() -> None:
    assert Ratio(numbers(1, 1, 1), numbers(1, 1, 1)).patients == 3
    assert Ratio(numbers(1, 1, 1), numbers(2, 1, 0)).patients == pytest.approx(9 / 5)


def test_recalibration_undoes_a_shift_and_a_stretch_on_patients_it_has_not_seen() -> None:
    rng = np.random.default_rng(2)
    scale = rng.normal(-1, 0.7, 3000)
    is_event = rng.random(3000) < -np.expm1(-np.exp(scale))
    outcome = Outcome(np.where(is_event, 1.0, 5.0), is_event.astype(np.int64))
    wrong = -np.expm1(-np.exp(2 * scale + 1))
    folds = rng.integers(0, 5, 3000)
    truth = -np.expm1(-np.exp(scale))
    right, level = (cross_recalibrated(outcome, wrong, 3, folds, slope=slope) for slope in (True, False))
    assert level.mean() == pytest.approx(is_event.mean(), abs=0.05)
    assert right.mean() == pytest.approx(is_event.mean(), abs=0.02)
    assert np.abs(right - truth).mean() < 0.03
    assert np.abs(right - truth).mean() < np.abs(level - truth).mean() / 2
