"""The SIMULATED cohort has the frequencies, effects and gaps that it is said to have."""

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter, KaplanMeierFitter

from services.trainer.demo.columns import CLINICAL, MOLECULAR, design, fitted
from services.trainer.demo.simulated_bags import TILES, simulate_bags
from services.trainer.demo.simulated_cohort import SimulatedCohort, simulate


@pytest.fixture(scope="module")
def large() -> SimulatedCohort:
    return simulate(4000, 1.5, np.random.default_rng(0))


def test_groups_and_ages_are_those_of_published_tables(large: SimulatedCohort) -> None:
    shares = large.table.molecular_group.value_counts(normalize=True)
    assert shares.to_dict() == pytest.approx({"G4": 0.45, "SHH": 0.24, "G3": 0.22, "WNT": 0.09}, abs=0.03)
    ages = large.table.groupby("molecular_group").age_at_diagnosis_years.median()
    assert ages.to_dict() == pytest.approx({"G3": 5, "G4": 8, "SHH": 4, "WNT": 10}, rel=0.15)


def test_relapse_free_shares_at_five_years_differ_by_group(large: SimulatedCohort) -> None:
    for group, expected in {"WNT": 0.93, "SHH": 0.65, "G3": 0.47, "G4": 0.70}.items():
        part = large.table[large.table.molecular_group == group]
        free = KaplanMeierFitter().fit(part.time_days / 365.25, part.event_code == 1).predict(5.0)
        assert free == pytest.approx(expected, abs=0.05)


def test_second_malignancies_and_deaths_are_few(large: SimulatedCohort) -> None:
    shares = large.table.event_code.value_counts(normalize=True)
    assert 0.01 < shares[2] < 0.05
    assert 0.01 < shares[3] < 0.05
    assert 0.2 < shares[1] < 0.4


def test_the_latents_hazard_ratio_given_all_else_is_recovered(large: SimulatedCohort) -> None:
    columns = fitted([*CLINICAL, *MOLECULAR], large.table)
    names = [column.name for column in columns]
    table = pd.DataFrame(design(columns, large.table), columns=names)
    table = table.assign(latent=large.latent, t=large.table.time_days, e=large.table.event_code == 1)
    fit = CoxPHFitter().fit(table, "t", "e")
    lo, hi = fit.confidence_intervals_.loc["latent"]
    assert lo < np.log(1.5) < hi


def test_no_effect_means_no_effect() -> None:
    cohort = simulate(4000, 1.0, np.random.default_rng(1))
    columns = fitted([*CLINICAL, *MOLECULAR], cohort.table)
    table = pd.DataFrame(design(columns, cohort.table), columns=[column.name for column in columns])
    table = table.assign(latent=cohort.latent, t=cohort.table.time_days, e=cohort.table.event_code == 1)
    lo, hi = CoxPHFitter().fit(table, "t", "e").confidence_intervals_.loc["latent"]
    assert lo < 0 < hi


def test_the_same_seed_gives_the_same_cohort() -> None:
    one, two = (simulate(50, 1.5, np.random.default_rng(4)) for _ in range(2))
    pd.testing.assert_frame_equal(one.table, two.table)
    assert np.array_equal(one.latent, two.latent)


def test_bags_move_along_the_signal_with_the_latent_and_never_below_zero() -> None:
    rng = np.random.default_rng(0)
    real = rng.gamma(2.0, size=(40, 12))
    latent = np.linspace(-2, 2, 60)
    bags = simulate_bags(real, latent, np.zeros(60, np.int64), rng)
    assert bags.features.shape == (60, TILES, 12)
    assert bags.features.min() >= 0
    axis = np.linalg.svd(real - real.mean(axis=0), full_matrices=False)[2][2]
    assert abs(np.corrcoef(bags.features.mean(axis=1) @ axis, latent)[0, 1]) > 0.9


def test_a_third_of_the_tiles_show_the_latent_and_the_others_say_nothing_of_it() -> None:
    rng = np.random.default_rng(0)
    real, latent = rng.gamma(9.0, size=(60, 12)), rng.normal(size=200)
    bags = simulate_bags(real, latent, np.zeros(200, np.int64), rng)
    assert bags.showing.mean() == pytest.approx(1 / 3, abs=0.02)
    along = bags.features @ np.linalg.svd(real - real.mean(axis=0), full_matrices=False)[2][2]
    shown, others = (np.average(along, axis=1, weights=part) for part in (bags.showing, ~bags.showing))
    assert abs(np.corrcoef(shown, latent)[0, 1]) > 0.9
    assert abs(np.corrcoef(others, latent)[0, 1]) < 0.2


def test_missing_values_take_the_mean_of_what_is_known() -> None:
    table = pd.DataFrame({"sex": ["male", "female", "male", None]})
    (column,) = fitted([CLINICAL[2]], table)
    assert column.impute == pytest.approx(2 / 3)
    assert design([column], table)[3, 0] == pytest.approx(0)
