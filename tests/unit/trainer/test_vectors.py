"""Models of blocks of vectors: every step is fitted on training patients alone, and the weights are of columns."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms.cox import Sample, fit_cox
from services.trainer.arms.tabular import PENALTIES
from services.trainer.cohort.cohort import Cohort
from services.trainer.vectors.fit import VectorTraining, fit_vector_model
from services.trainer.vectors.reduction import components, cox_scores, fit_reduction
from services.trainer.vectors.scaling import fit_scaling
from services.trainer.vectors.stage import by_fold, fit_vectors
from services.trainer.vectors.unlearned import unlearned_notes
from shared.model.block import VectorFit
from shared.model.hazards import LinearHazard
from tests.support.vectors import BLOOD, GENES, simulated_vectors, training

FITS = {
    "auto of few": (5, VectorFit()),
    "auto of many": (60, VectorFit()),
    "none of many": (60, VectorFit(reduce="none")),
    "none of more than patients": (200, VectorFit(reduce="none")),
    "components": (60, VectorFit(reduce="components", keep=3)),
    "screen": (60, VectorFit(reduce="screen", keep=4)),
    "trees": (60, VectorFit(model="lightgbm", keep=4)),
}


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated_vectors(tmp_path_factory.mktemp("vectors"), 150)


def of_event(learned: VectorTraining, log_risk: np.ndarray) -> float:
    """Correlation of a log-risk with the column that raises the hazard."""
    known = ~np.isnan(learned.values[:, 0])
    return float(np.corrcoef(learned.values[known, 0], log_risk[known])[0, 1])


@pytest.mark.parametrize("name", FITS)
def test_every_way_of_fitting_reads_the_column_that_raises_the_hazard(name: str) -> None:
    columns, fit = FITS[name]
    learned = training(columns, fit)
    fitted = fit_vector_model(learned)
    assert of_event(learned, fitted.log_risk(learned.values)) > 0.4
    assert fitted.log_risk(learned.values).mean() == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("name", "used"), [("screen", 4), ("trees", 4), ("components", 60), ("auto of few", 5)])
def test_a_screen_reads_as_many_columns_as_are_kept_and_components_read_all(name: str, used: int) -> None:
    columns, fit = FITS[name]
    assert len(fit_vector_model(training(columns, fit)).model.used) == used


def test_the_screen_keeps_the_column_of_the_largest_score() -> None:
    learned = training(60, VectorFit(reduce="screen", keep=1))
    assert fit_vector_model(learned).model.used_columns == ("c0",)


def test_scores_agree_with_a_two_group_log_rank_test_counted_by_hand() -> None:
    learned = training(1, patients=4)
    column = np.array([[1.0], [1.0], [0.0], [0.0]])
    outcome = replace(learned.outcome, time=np.array([1.0, 2.0, 3.0, 4.0]), event=np.ones(4, np.int64))
    observed, expected = 2.0, 1 / 2 + 1 / 3
    variance = 1 / 4 + 2 / 9
    assert cox_scores(column, outcome) == pytest.approx([(observed - expected) ** 2 / variance])


@pytest.mark.parametrize("name", ["auto of many", "none of more than patients", "components"])
def test_weights_of_columns_give_what_the_reduced_columns_give(name: str) -> None:
    columns, fit = FITS[name]
    learned = training(columns, fit)
    z = fit_scaling(learned.values)(learned.values)
    reduction = fit_reduction(fit, z, np.arange(columns), learned.outcome)
    coefficients = np.random.default_rng(3).normal(size=(reduction(z).shape[1],))
    assert z @ reduction.weights(coefficients) == pytest.approx(reduction(z) @ coefficients)


def test_penalising_axes_is_penalising_columns_where_these_are_more_than_patients() -> None:
    z = np.random.default_rng(1).normal(size=(30, 100))
    reduction = fit_reduction(VectorFit(reduce="none", keep=100), z, np.arange(100), training(1, patients=30).outcome)
    assert reduction(z).shape == (30, 30)
    assert reduction(z) @ reduction(z).T == pytest.approx(z @ z.T)


@pytest.mark.parametrize("name", FITS)
def test_values_of_a_patient_who_is_left_out_change_nothing_of_the_fit(name: str) -> None:
    columns, fit = FITS[name]
    learned = training(columns, fit)
    changed = replace(learned, values=learned.values.copy())
    changed.values[:30] *= -100
    kept = np.arange(30, 120)
    first, second = (fit_vector_model(each.take(kept)).model for each in (learned, changed))
    assert first.as_json() == second.as_json()


def test_left_out_patients_change_neither_models_nor_log_risks_of_the_others(cohort: Cohort) -> None:
    block = cohort.profile.vectors[0]
    kept = cohort.take(np.arange(100))
    values = cohort.vectors["blood"].values.copy()
    values[100:] = 1e6
    changed = replace(cohort, vectors={"blood": replace(cohort.vectors["blood"], values=values)})
    first, second = (fit_vectors(block, each.take(np.arange(100)), 1) for each in (cohort, changed))
    assert first is not None
    assert second is not None
    assert first[0].fitted.model.as_json() == second[0].fitted.model.as_json()
    assert np.array_equal(first[1].log_risk, second[1].log_risk, equal_nan=True)
    assert np.isnan(first[1].log_risk).tolist() == (~kept.vectors["blood"].known).tolist()


def test_an_out_of_fold_log_risk_does_not_follow_the_outcome_of_its_patient(cohort: Cohort) -> None:
    noise = np.random.default_rng(7).normal(size=(len(cohort), 100))
    vectors = replace(cohort.vectors["genes"], values=noise, columns=tuple(map(str, range(100))))
    result = fit_vectors(cohort.profile.vectors[1], replace(cohort, vectors={"genes": vectors}), 1)
    assert result is not None
    model, view = result
    happened = cohort.outcome.is_event
    apparent, out_of_fold = (
        (log_risk[happened].mean() - log_risk[~happened].mean()) / log_risk.std()
        for log_risk in (model.fitted.log_risk(noise), view.log_risk)
    )
    assert out_of_fold < min(0.4, apparent)


def test_models_of_all_inner_folds_have_the_ridge_that_the_whole_training_set_chose() -> None:
    learned = training(6, patients=90)
    chosen = fit_vector_model(learned)
    assert chosen.ridge in PENALTIES
    for fold, log_risk in enumerate(by_fold(learned, (chosen.ridge,))):
        kept = learned.take(np.flatnonzero(learned.folds != fold))
        scaling = fit_scaling(kept.values)
        sample = Sample.of(scaling(kept.values), kept.outcome.time, kept.outcome.is_event)
        assert log_risk == pytest.approx(scaling(learned.values) @ fit_cox(sample, chosen.ridge))


def test_a_block_with_too_few_events_has_no_model_and_a_sentence_says_so(cohort: Cohort) -> None:
    values = cohort.vectors["blood"].values.copy()
    values[np.flatnonzero(cohort.outcome.is_event)[4:]] = np.nan
    known = int((~np.isnan(values).all(axis=1) & cohort.outcome.is_event).sum())
    few = replace(cohort, vectors={"blood": replace(cohort.vectors["blood"], values=values)})
    assert fit_vectors(cohort.profile.vectors[0], few, 1) is None
    assert fit_vectors(cohort.profile.vectors[1], few, 1) is None
    sentence = f"no model reads blood: patients who have a vector had {known} events, 5 are needed"
    assert unlearned_notes(few) == [sentence]
    assert unlearned_notes(cohort) == []


def test_columns_without_a_value_or_a_difference_are_not_read() -> None:
    learned = training(5)
    learned.values[:, 1], learned.values[:, 2] = np.nan, 3.0
    model = fit_vector_model(learned).model
    assert model.used == (0, 3, 4)
    assert np.isfinite(model.mean).all()
    assert (model.scale > 0).all()
    learned.values[:] = 1.0
    constant = fit_vector_model(learned).model
    assert isinstance(constant.log_hazard, LinearHazard)
    assert constant.log_risk(learned.values, {}).tolist() == [0.0] * 120


def test_few_columns_are_their_own_components_and_many_are_scaled_by_the_first() -> None:
    z = np.random.default_rng(2).normal(size=(50, 12))
    assert components(z, np.arange(12), 12).axes is None
    reduced = components(z, np.arange(12), 4)(z)
    assert reduced.shape == (50, 4)
    assert reduced[:, 0].std(ddof=1) == pytest.approx(1)
    assert (np.diff(reduced.std(axis=0)) < 0).all()


def test_the_agreement_of_models_is_higher_where_vectors_tell_the_outcome(cohort: Cohort) -> None:
    informative = fit_vectors(cohort.profile.vectors[0], cohort, 1)
    noise = replace(cohort.vectors["blood"], values=np.random.default_rng(1).normal(size=(len(cohort), 6)))
    uninformative = fit_vectors(cohort.profile.vectors[0], replace(cohort, vectors={"blood": noise}), 1)
    assert informative is not None
    assert uninformative is not None
    assert 0 <= uninformative[0].agreement < informative[0].agreement <= 1


@pytest.mark.parametrize("fit", [VectorFit(), VectorFit(reduce="screen"), VectorFit(reduce="none", keep=200)])
def test_vectors_of_5000_columns_take_some_hundred_megabytes_at_most(fit: VectorFit) -> None:
    learned = training(5_000, fit, patients=100)
    tracemalloc.start()
    try:
        fit_vector_model(learned)
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()


def test_simulated_blocks_are_those_of_the_plan(cohort: Cohort) -> None:
    assert {name: len(vectors.columns) for name, vectors in cohort.vectors.items()} == {
        BLOOD.name: BLOOD.columns,
        GENES.name: GENES.columns,
    }
    assert 0 < (~cohort.vectors["blood"].known).sum() < 40
