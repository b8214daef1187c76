"""The rule's answer as a column of fitted models: its columns, hazard ratios, refits, and how reports name it."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms.arm import Patients
from services.trainer.arms.columns import fit_columns
from services.trainer.arms.rule import flagged
from services.trainer.bundle.refits import draw_refits
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort_summary import reported_profile
from services.trainer.evaluation.hazard_ratios import hazard_ratios
from services.trainer.simulation.simulate import SimulationPlan
from tests.support.cohorts import simulated
from tests.support.refits import COUNT, fitted_arms


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("rule"), SimulationPlan(200, seed=3, tiles=1, width=8))[0]


@pytest.fixture(scope="module")
def cohort(plain: Cohort) -> Cohort:
    return replace(plain, profile=plain.profile.model_copy(update={"rule_as_column": "clinical"}))


def test_models_read_the_answer_of_the_rule_beside_the_other_columns(plain: Cohort, cohort: Cohort) -> None:
    names, before = (
        [column.name for column in fit_columns(each.case_values, each.profile.of_blocks(["clinical"]))]
        for each in (cohort, plain)
    )
    assert names == [*before, "rule = high", "rule missing"]


def test_the_column_is_the_answer_of_the_rule_alone_where_that_is_decided(cohort: Cohort) -> None:
    answer, alone = cohort.case_values.column("rule"), flagged(Patients(cohort, 1))
    decided = ~np.isnan(answer)
    assert 0.02 < 1 - decided.mean() < 0.3
    assert answer[decided].tolist() == alone[decided].tolist()
    assert not alone[~decided].any()


def test_the_rule_has_a_hazard_ratio_of_its_own_beside_those_of_the_variables(plain: Cohort, cohort: Cohort) -> None:
    rows = hazard_ratios(cohort)
    assert rows[:-2] == hazard_ratios(plain)
    assert [row.column for row in rows[-2:]] == ["rule = high", "rule missing"]
    assert rows[-2].ratio.est is not None
    assert reported_profile(cohort).labels["rule"] == "rule (Chang M stage > M0 or …)"


def test_refits_draw_what_an_undecided_rule_might_say(cohort: Cohort) -> None:
    patients = Patients(cohort, 1)
    arms = fitted_arms(patients, ("clinical",))
    place = [column.name for column in arms[0].columns].index("rule missing")
    weights = [fit.event.coefficients[place] for fit in draw_refits(arms, patients, {}, COUNT)[0]]
    assert np.std(weights) > 0.05
