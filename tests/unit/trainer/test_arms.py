"""Arms: one shape, a model for each pattern of what is known."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.columns import fit_columns, log_risk_columns
from services.trainer.arms.registry import arms_of
from services.trainer.arms.ridge_cox import ByPattern
from services.trainer.arms.rule import flagged
from services.trainer.cohort.cohort import Cohort
from services.trainer.metrics.discrimination import harrell_c
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan
from shared.arrays import Floats
from shared.model.column import design_matrix
from shared.model.variable import Variable
from tests.support.cohorts import simulated


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("arms"), SimulationPlan(200, tiles=1, width=8))[0]


ARMS = {arm.name: arm for arm in arms_of(load_profile())}


def with_slides(cohort: Cohort, log_risk: Floats) -> Patients:
    view = BlockView(log_risk, np.tile(log_risk[:, None], (1, 3)))
    return Patients(cohort, 1, {"pathomic": view}, np.nan_to_num(log_risk))


@pytest.fixture(scope="module")
def patients(cohort: Cohort) -> Patients:
    log_risk = np.random.default_rng(0).normal(size=len(cohort)) + cohort.outcome.is_event
    log_risk[:20] = np.nan
    return with_slides(cohort, log_risk)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_gives_risks_that_rise_with_time_and_out_of_fold_answers(name: str, patients: Patients) -> None:
    assert ARMS[name].unavailable_reason(patients) is None
    fitted = ARMS[name].fit(patients)
    for prediction in (fitted.out_of_fold, fitted.predict(patients)):
        known = ~np.isnan(prediction.log_risk)
        assert known.sum() >= len(patients) - 20
        assert (np.diff(prediction.risk[known], axis=1) >= 0).all()
        assert ((prediction.risk[known] >= 0) & (prediction.risk[known] <= 1)).all()


def test_a_signal_in_the_slides_is_found_by_fusion(patients: Patients) -> None:
    arms = {name: ARMS[name].fit(patients).out_of_fold.log_risk for name in ("clinical_molecular", "fused")}
    one = np.ones((1, len(patients)))
    c = {name: float(harrell_c(patients.cohort.outcome, risk)(one)[0]) for name, risk in arms.items()}
    assert c["fused"] > c["clinical_molecular"] + 0.02


def test_networks_that_say_the_opposite_have_no_weight_in_any_cause_of_any_pattern(patients: Patients) -> None:
    event = patients.cohort.outcome.event
    opposite = with_slides(patients.cohort, np.random.default_rng(0).normal(size=len(event)) - 2.0 * (event > 0))
    fitted = ARMS["fused"].fit(opposite)
    assert isinstance(fitted, ByPattern)
    of_slides = [model.arm for pattern, model in fitted.models.items() if "pathomic" in pattern]
    weights = [
        cause.coefficients[[column.variable for column in arm.columns].index("pathomics")]
        for arm in of_slides
        for cause in (arm.fit.event, *arm.fit.competing)
    ]
    assert len(weights) == 3 * len(of_slides) > 0
    assert set(weights) == {0.0}
    alone = ARMS["pathomics"].fit(opposite)
    assert np.ptp(alone.predict(opposite).log_risk) == 0


def test_only_the_log_risk_of_a_block_is_bound(patients: Patients) -> None:
    profile = patients.cohort.profile
    columns = fit_columns(patients.case_values, profile.of_blocks(profile.block_names))
    bound = log_risk_columns(columns, profile)
    assert [column.variable for column, is_bound in zip(columns, bound, strict=True) if is_bound] == ["pathomics"]


def test_who_lacks_slides_is_served_by_the_model_without_them(patients: Patients) -> None:
    fused, table = ARMS["fused"].fit(patients), ARMS["clinical_molecular"].fit(patients)
    without = np.flatnonzero(np.isnan(patients.views["pathomic"].log_risk))
    assert len(without)
    assert fused.predict(patients).risk[without] == pytest.approx(table.predict(patients).risk[without])


def test_slides_without_weight_leave_fusion_to_the_model_of_the_record_that_everybody_taught(cohort: Cohort) -> None:
    log_risk = np.zeros(len(cohort))
    log_risk[::2] = np.nan
    patients = with_slides(cohort, log_risk)
    fused, table = ARMS["fused"].fit(patients), ARMS["clinical_molecular"].fit(patients)
    assert (fused.predict(patients).risk == table.predict(patients).risk).all()
    assert (fused.out_of_fold.log_risk == table.out_of_fold.log_risk).all()


def test_patients_without_weight_of_slides_and_nothing_else_known_get_an_average(cohort: Cohort) -> None:
    unknown = replace(cohort, values=np.full_like(cohort.values, np.nan))
    fused = ARMS["fused"].fit(with_slides(cohort, np.zeros(len(cohort))))
    risk = fused.predict(with_slides(unknown, np.zeros(len(cohort)))).risk
    assert np.ptp(risk, axis=0).max() == 0
    assert risk[0, -1] == pytest.approx(cohort.outcome.is_event.mean(), abs=0.15)


@pytest.mark.parametrize("name", ["pathomics", "early_concat"])
def test_an_arm_that_cannot_do_without_slides_says_nothing_of_who_has_none(name: str, patients: Patients) -> None:
    fitted = ARMS[name].fit(patients)
    for prediction in (fitted.out_of_fold, fitted.predict(patients)):
        assert (
            np.isnan(prediction.log_risk).tolist()
            == np.isnan(prediction.risk[:, 0]).tolist()
            == [True] * 20 + [False] * 180
        )


def test_ready_made_pathomic_columns_say_nothing_of_who_has_none(cohort: Cohort) -> None:
    column = Variable(name="texture", kind="numeric", block="pathomic")
    profile = cohort.profile.model_copy(update={"variables": (*cohort.profile.variables, column)})
    texture = np.random.default_rng(2).normal(size=len(cohort)) + cohort.outcome.is_event
    texture[:30] = np.nan
    held = replace(cohort, profile=profile, values=np.column_stack([cohort.values, texture]))
    fitted = ARMS["pathomics"].fit(Patients(held, 1))
    for prediction in (fitted.out_of_fold, fitted.predict(Patients(held, 1))):
        assert np.isnan(prediction.log_risk).tolist() == [True] * 30 + [False] * 170


def test_an_arm_without_its_inputs_says_why(cohort: Cohort) -> None:
    absent = {name: arm.unavailable_reason(Patients(cohort, 1)) for name, arm in ARMS.items()}
    assert absent["early_concat"] == "there are no slides"
    assert "pathomic" in str(absent["fused"])
    assert absent["clinical_molecular"] is None


def test_constant_and_all_missing_columns_are_left_out(cohort: Cohort) -> None:
    values = cohort.values.copy()
    values[:, 0], values[:, 1] = np.nan, 1.0
    changed = Cohort(cohort.profile, "x", cohort.case_ids, cohort.sites, values, cohort.outcome, "d")
    columns = fit_columns(changed.case_values, cohort.profile.variables)
    assert not {"age_at_diagnosis_years", "sex"} & {column.variable for column in columns}
    assert np.isfinite(design_matrix(columns, changed.case_values)).all()


def test_a_yes_or_no_column_is_scaled_half_way_between_its_own_deviation_and_one_for_all(cohort: Cohort) -> None:
    levels = [column for column in fit_columns(cohort.case_values, cohort.profile.variables) if column.form == "level"]
    scaled = [design_matrix((column,), cohort.case_values) for column in levels]
    even = 0.5
    assert [np.ptp(x) * x.std() for x in scaled] == pytest.approx([1 / even] * len(levels))


def test_imputation_knows_only_training_patients(cohort: Cohort) -> None:
    columns = fit_columns(cohort.take(np.arange(100)).case_values, cohort.profile.variables)
    age = next(column for column in columns if column.name == "age_at_diagnosis_years")
    assert age.impute == pytest.approx(np.nanmean(cohort.column("age_at_diagnosis_years")[:100]))


def test_all_answers_are_the_same_for_the_same_seed(patients: Patients) -> None:
    for arm in ARMS.values():
        assert np.array_equal(arm.fit(patients).predict(patients).risk, arm.fit(patients).predict(patients).risk, True)


def test_models_of_different_patients_order_by_the_rule_as_it_says_and_with_risks_of_their_own(
    patients: Patients,
) -> None:
    halves = [ARMS["rule"].fit(patients.take(np.arange(start, len(patients), 2))) for start in (0, 1)]
    predictions = [half.predict(patients) for half in halves]
    for prediction in (*predictions, ARMS["rule"].fit(patients).out_of_fold):
        assert prediction.log_risk.tolist() == flagged(patients).tolist()
    assert not np.allclose(predictions[0].risk, predictions[1].risk)
