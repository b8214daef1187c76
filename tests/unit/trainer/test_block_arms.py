"""Arms of profiles with blocks of vectors: which there are, what they are called, and what each block adds."""

from dataclasses import replace

import numpy as np
import pytest

from services.trainer.arms.arm import BlockView, Patients
from services.trainer.arms.known_blocks import blocks_of_cohort
from services.trainer.arms.registry import arms_of, baseline, first_record_arm, gbm, record_arm, without
from services.trainer.arms.ridge_cox import ByPattern, patterns_of
from services.trainer.block_models import fit_blocks
from services.trainer.bundle.refits import draw_refits
from services.trainer.cohort.cohort import Cohort
from services.trainer.evaluation.contrasts import contrasts
from services.trainer.evaluation.controls import gain_in_c, run_controls
from services.trainer.evaluation.figures import metrics
from services.trainer.evaluation.fold import run_fold
from services.trainer.evaluation.pooled import Pooled, pool
from services.trainer.metrics.bootstrap import Bootstrap
from services.trainer.profile import load_profile
from shared.model.block import DEFAULT_BLOCKS, Block
from shared.model.profile import Profile
from tests.support.refits import fitted_arms, spread
from tests.support.vectors import simulated_vectors

VECTORS = (
    Block(name="blood", source="vectors", title="blood counts"),
    Block(name="icd", source="vectors", title="ICD codes"),
)


def profile(*blocks: Block) -> Profile:
    return load_profile().model_copy(update={"blocks": blocks})


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated_vectors(tmp_path_factory.mktemp("arms"), 160)


@pytest.fixture(scope="module")
def patients(cohort: Cohort) -> Patients:
    """Without slides, but with a gated network's log-risk."""
    _, fitted = fit_blocks(cohort, None, 1)
    return Patients(cohort, 1, fitted.views, np.random.default_rng(0).normal(size=len(cohort)))


def test_the_default_profile_has_the_arms_of_the_contract_and_leaves_each_block_out_once() -> None:
    assert [arm.name for arm in arms_of(load_profile())] == [
        *("null", "rule", "clinical", "clinical_molecular", "clinical_molecular_gbm", "pathomics", "fused"),
        *("molecular_pathomics", "clinical_pathomics", "early_concat", "gated"),
    ]


def test_every_block_of_vectors_is_an_arm_and_every_block_is_left_out_once() -> None:
    arms = {arm.name: arm.title for arm in arms_of(profile(*DEFAULT_BLOCKS, *VECTORS))}
    assert list(arms)[5:8] == ["pathomics", "blood", "icd"]
    assert list(arms)[9:14] == [
        "molecular_pathomics_blood_icd",
        "clinical_pathomics_blood_icd",
        "clinical_molecular_blood_icd",
        "clinical_molecular_pathomics_icd",
        "clinical_molecular_pathomics_blood",
    ]
    assert arms["icd"] == "ICD codes alone"
    assert arms["fused"] == "{table}, slides, blood counts and ICD codes, late fusion"
    assert arms["pathomics"] == "Slides alone"
    assert arms["clinical_molecular_pathomics_icd"] == "All blocks but blood counts, late fusion"
    assert arms["gated"] == "{table}, blood counts, ICD codes and tiles, gated network"


def test_an_arm_of_two_blocks_occurs_once() -> None:
    two = profile(Block(name="clinical", source="record"), VECTORS[0])
    names = [arm.name for arm in arms_of(two)]
    assert names == ["null", "rule", "clinical", "clinical_gbm", "blood", "fused", "early_concat", "gated"]
    assert (first_record_arm(two), record_arm(two), gbm(two)) == ("clinical", "clinical", "clinical_gbm")
    assert (without(two, two.block_names, "blood"), without(two, two.block_names, "clinical")) == ("clinical", "blood")


def test_arms_of_several_blocks_are_named_after_the_blocks_that_the_cohort_has() -> None:
    blocks = profile(*DEFAULT_BLOCKS, *VECTORS)
    arms = {arm.name: arm.title for arm in arms_of(blocks, {"clinical", "molecular", "icd"})}
    assert list(arms)[8:] == ["fused", "molecular_icd", "clinical_icd", "early_concat", "gated"]
    assert arms["fused"] == "{table} and ICD codes, late fusion"
    assert arms["early_concat"] == "{table} and ICD codes, early fusion"
    assert [arm.name for arm in arms_of(blocks, {"clinical", "molecular"})][8:] == ["fused", "early_concat", "gated"]


def test_blocks_of_a_cohort_are_those_that_are_known_of_anyone(cohort: Cohort) -> None:
    assert blocks_of_cohort(cohort, None) == ("clinical", "molecular", "blood", "genes")
    assert blocks_of_cohort(replace(cohort, vectors={}), None) == ("clinical", "molecular")


def test_the_baseline_is_the_record_or_its_first_block() -> None:
    assert baseline(load_profile(), {"clinical", "clinical_molecular"}) == "clinical_molecular"
    assert baseline(load_profile(), {"clinical"}) == "clinical"


@pytest.mark.parametrize(
    "name", ["blood", "genes", "fused", "clinical_molecular_pathomics_genes", "early_concat", "gated"]
)
def test_arms_with_vectors_give_risks_that_rise_with_time(name: str, patients: Patients) -> None:
    arm = next(arm for arm in arms_of(patients.cohort.profile) if arm.name == name)
    assert arm.unavailable_reason(patients) is None
    fitted = arm.fit(patients)
    for prediction in (fitted.out_of_fold, fitted.predict(patients)):
        known = ~np.isnan(prediction.log_risk)
        assert (np.diff(prediction.risk[known], axis=1) >= 0).all()
        assert known.sum() > 120


@pytest.mark.parametrize("name", ["blood", "early_concat"])
def test_an_arm_that_needs_vectors_says_nothing_of_patients_without_them(name: str, patients: Patients) -> None:
    fitted = next(arm for arm in arms_of(patients.cohort.profile) if arm.name == name).fit(patients)
    needed = ["blood"] if name == "blood" else ["blood", "genes"]
    silent = np.isnan(fitted.predict(patients).log_risk)
    assert silent.tolist() == (~patients.has_blocks(needed)).tolist()


def test_late_fusion_has_models_for_patterns_that_occur_and_no_others(patients: Patients) -> None:
    fused = next(arm for arm in arms_of(patients.cohort.profile) if arm.name == "fused").fit(patients)
    assert isinstance(fused, ByPattern)
    assert set(fused.models) <= set(patterns_of(patients, patients.cohort.profile.block_names))
    assert frozenset({"clinical", "molecular", "blood", "genes"}) in fused.models
    assert not [pattern for pattern in fused.models if "pathomic" in pattern]


def test_a_patient_without_a_block_is_predicted_as_by_the_arm_without_it(patients: Patients) -> None:
    arms = {arm.name: arm for arm in arms_of(patients.cohort.profile)}
    fused, rest = arms["fused"].fit(patients), arms["clinical_molecular_pathomics_genes"].fit(patients)
    lacking = np.flatnonzero(~patients.has_block("blood"))
    assert len(lacking)
    assert fused.predict(patients).risk[lacking] == pytest.approx(rest.predict(patients).risk[lacking])


def test_arms_of_blocks_that_nobody_has_say_why(cohort: Cohort) -> None:
    absent = {arm.name: arm.unavailable_reason(Patients(cohort, 1)) for arm in arms_of(cohort.profile)}
    assert absent["fused"] == "no slides were given, and the table has no ready-made pathomic column"
    assert str(absent["blood"]).startswith("no vectors of blood were given")
    assert absent["early_concat"] == "there are no slides and no vectors"
    assert absent["clinical_molecular"] is None


def test_evaluation_says_what_each_block_adds_with_holm_beside_the_primary_contrast(cohort: Cohort) -> None:
    fold_of = (np.arange(len(cohort)) % 2)[None, :]
    results = {(0, fold): run_fold(cohort, None, np.flatnonzero(fold_of[0] == fold), 1) for fold in range(2)}
    pooled = pool(cohort, results, fold_of, blocks_of_cohort(cohort, None))
    compared = contrasts(pooled, Bootstrap.of(len(cohort), 1, 200))
    assert (compared[0].a, compared[0].b, compared[0].primary) == ("fused", "clinical_molecular", True)
    gains = {each.b: each for each in compared[1:] if each.a == "fused" and each.metric == "uno_c"}
    assert set(gains) == {
        *("molecular_blood_genes", "clinical_blood_genes"),
        *("clinical_molecular_genes", "clinical_molecular_blood"),
    }
    assert all(gain.p_holm is not None and gain.gain.lo is not None for gain in gains.values())
    assert gains["clinical_molecular_genes"].gain.est == pytest.approx(
        _c(pooled, "fused") - _c(pooled, "clinical_molecular_genes"), abs=1e-4
    )


def _c(pooled: Pooled, name: str) -> float:
    statistic = pooled.figure(name, np.arange(len(pooled.cohort)), metrics(pooled)["uno_c"])
    return float(statistic(np.ones((1, len(pooled.cohort))))[0])


def test_controls_take_a_random_number_for_a_block_also_in_a_profile_of_the_record_alone(cohort: Cohort) -> None:
    record = cohort.profile.model_copy(update={"blocks": DEFAULT_BLOCKS[:2]})
    fold_of = np.arange(len(cohort)) % 3
    alone = run_controls(replace(cohort, profile=record, vectors={}), fold_of, 1)
    assert alone == run_controls(cohort, fold_of, 1)
    assert abs(alone.random_gain) < 0.05


def test_the_random_feature_control_differs_from_its_comparison_in_the_number_alone(cohort: Cohort) -> None:
    *others, last = cohort.profile.variables
    variables = (*others, last.model_copy(update={"block": "pathomic"}))
    values, fold_of = cohort.values.copy(), np.arange(len(cohort)) % 3
    values[:, -1] = cohort.outcome.is_event
    ready_made = replace(cohort, values=values, profile=cohort.profile.model_copy(update={"variables": variables}))
    assert gain_in_c(ready_made, np.full(len(cohort), 2.0), fold_of, 1) == 0
    assert gain_in_c(ready_made, cohort.outcome.is_event.astype(np.float64), fold_of, 1) > 0.1


def test_the_disagreement_of_each_block_widens_the_interval(patients: Patients) -> None:
    log_risks = patients.cohort.outcome.is_event + np.random.default_rng(5).normal(size=(2, len(patients)))
    views = {name: BlockView(risk, risk[:, None]) for name, risk in zip(("blood", "genes"), log_risks, strict=True)}
    strong = Patients(patients.cohort, 1, views)
    arms = fitted_arms(strong, ("clinical", "blood", "genes"))
    sure = spread(arms, strong, {})
    for doubtful in ({"blood": 0.4}, {"genes": 0.4}):
        assert all(a < b for a, b in zip(sure, spread(arms, strong, doubtful), strict=True))


def test_two_log_risks_are_never_weighed_below_0_in_a_refit(patients: Patients) -> None:
    noise = np.random.default_rng(3).normal(size=len(patients))
    views = {**patients.views, "genes": BlockView(noise, noise[:, None])}
    mixed = Patients(patients.cohort, 1, views)
    arms = fitted_arms(mixed, ("clinical", "blood", "genes"))
    fits = draw_refits(arms, mixed, {"blood": 0.8}, 10)[0]
    for name in ("blood", "genes"):
        place = [column.variable for column in arms[0].columns].index(name)
        assert min(cause.coefficients[place] for fit in fits for cause in fit.causes) >= 0
