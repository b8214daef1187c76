"""Hazard ratios of the report, counted by hand and held to lifelines: stratified, and silent where nothing is told."""

from dataclasses import astuple, replace

import numpy as np
import pandas as pd
import pytest
from lifelines import CoxPHFitter

from services.trainer.arms.columns import fit_columns
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.evaluation.hazard_ratios import hazard_ratios
from services.trainer.metrics.bootstrap import NO_FIGURE
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan
from shared.arrays import Ints
from shared.model.column import design_matrix
from shared.model.profile import Profile
from shared.model.variable import Variable
from tests.support.cohorts import simulated

RIDGE = 0.1
PAIRS = 12


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """SIMULATED, with gaps, and no two times alike."""
    cohort = simulated(tmp_path_factory.mktemp("cohort"), SimulationPlan(500, seed=4, tiles=1, width=8))[0]
    split_fold = cohort.outcome.time + 1e-6 * np.arange(len(cohort))
    return cohort.with_outcome(Outcome(split_fold, cohort.outcome.event))


def test_ratios_are_those_of_lifelines_stratified(cohort: Cohort) -> None:
    judge = lifelines(cohort, cohort.strata)
    rows = {row.column: row.ratio for row in hazard_ratios(cohort) if row.strata and row.ratio.est}
    assert {"myc_amp = yes", "histology = LCA", "chang_m_stage >= M1"} <= set(rows)
    for name, ratio in rows.items():
        assert astuple(ratio) == pytest.approx(judge[name], rel=2e-3)


def test_the_stratums_own_ratios_are_those_of_lifelines_without_strata(cohort: Cohort) -> None:
    judge = lifelines(cohort, np.zeros(len(cohort), np.int64))
    rows = [row for row in hazard_ratios(cohort) if not row.strata]
    assert all(row.column.startswith("molecular_group") for row in rows)
    for row in rows[:3]:
        assert astuple(row.ratio) == pytest.approx(judge[row.column], rel=2e-3)


def lifelines(cohort: Cohort, strata: Ints) -> dict[str, list[float]]:
    """Hazard ratio and its ends by column, with the same slight ridge."""
    columns = fit_columns(cohort.case_values, cohort.profile.variables)
    x = design_matrix(columns, cohort.case_values)
    table = pd.DataFrame(x, columns=[column.name for column in columns])
    table = table.assign(time=cohort.outcome.time, event=cohort.outcome.is_event, strata=strata)
    weights = RIDGE / len(cohort) / x.var(axis=0, ddof=1)  # lifelines penalises columns of unit variance
    fitted = CoxPHFitter(penalizer=weights).fit(table, "time", "event", strata=["strata"])
    beta, error = fitted.params_.to_numpy(), fitted.standard_errors_.to_numpy()
    scale = np.array([column.scale for column in columns])
    ends = np.exp(np.stack([beta, beta - 1.959964 * error, beta + 1.959964 * error], axis=1) / scale[:, None])
    return dict(zip((column.name for column in columns), ends.tolist(), strict=True))


def test_a_profile_without_a_stratum_has_one_baseline(cohort: Cohort) -> None:
    plain = replace(cohort, profile=cohort.profile.model_copy(update={"strata": ""}))
    judge = lifelines(cohort, np.zeros(len(cohort), np.int64))
    rows = {row.column: row for row in hazard_ratios(plain)}
    assert {row.strata for row in rows.values()} == {""}
    assert rows["histology = LCA"].ratio.est == pytest.approx(judge["histology = LCA"][0], rel=2e-3)


def pairs(first: int) -> Cohort:
    """Pairs of one exposed and one not, each a stratum; in `first` of them the exposed relapses, before the other."""
    marked = Variable(name="marked", kind="binary", block="clinical", levels=("no", "yes"))
    pair = Variable(name="pair", kind="categorical", block="clinical", levels=tuple(map(str, range(PAIRS))))
    profile = Profile(name="pairs", variables=(marked, pair), outcome=load_profile().outcome, strata="pair")
    exposed, number = np.tile([1.0, 0.0], PAIRS), np.repeat(np.arange(PAIRS, dtype=np.float64), 2)
    relapses = (number < first) == (exposed == 1)
    time = np.where(relapses, 1.0 + number, 2.0 + number)
    names = tuple(f"case-{i}" for i in range(2 * PAIRS))
    outcome = Outcome(time, relapses.astype(np.int64))
    return Cohort(profile, "pairs", names, ("",) * len(names), np.stack([exposed, number], axis=1), outcome, "")


def test_of_matched_pairs_it_is_the_ratio_of_the_discordant_ones() -> None:
    (row,) = hazard_ratios(pairs(9))
    error = np.sqrt(1 / 9 + 1 / 3)
    by_hand = [3.0, 3 * np.exp(-1.96 * error), 3 * np.exp(1.96 * error)]
    assert astuple(row.ratio) == pytest.approx(by_hand, rel=0.04)


def test_what_separates_the_patients_is_not_told() -> None:
    (row,) = hazard_ratios(pairs(PAIRS))
    assert row.ratio == NO_FIGURE


def test_what_is_alike_within_every_stratum_is_not_told(cohort: Cohort) -> None:
    missing = [row for row in hazard_ratios(cohort) if row.column == "myc_amp missing"]
    assert [(row.ratio.est, row.strata) for row in missing] == [(None, "molecular_group")]


def test_a_table_without_a_variable_that_tells_has_no_ratios(cohort: Cohort) -> None:
    assert hazard_ratios(replace(cohort, values=np.zeros_like(cohort.values))) == ()


def test_without_an_event_nothing_is_told(cohort: Cohort) -> None:
    free = cohort.with_outcome(Outcome(cohort.outcome.time, np.zeros(len(cohort), np.int64)))
    assert {row.ratio.est for row in hazard_ratios(free)} == {None}
