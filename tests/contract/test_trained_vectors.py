"""A bundle with blocks of vectors: the scorer reads it and gives the same predictions as the trainer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from services.trainer.bundle.served import ServedBundle, predict_all, read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.errors import BadModelError, BadVectorTableError, SeenCasesError
from services.trainer.simulation.vectors import VectorPlan
from services.trainer.validation.validate import validate
from shared.model.block import VectorFit
from shared.model.bundle import Bundle, load
from shared.model.case_values import CaseValues
from tests.support.cohorts import quiet
from tests.support.vectors import simulated_vectors

PLANS = (VectorPlan("blood", 8, 3.0), VectorPlan("genes", 60, 2.0))


def with_trees(cohort: Cohort) -> Cohort:
    """The block of genes read by LightGBM, and titles as people give them."""
    changes: dict[str, dict[str, Any]] = {
        "genes": {"fit": VectorFit(model="lightgbm", keep=6)},
        "blood": {"title": "blood counts"},
    }
    blocks = tuple(block.model_copy(update=changes.get(block.name, {})) for block in cohort.profile.blocks)
    return replace(cohort, profile=cohort.profile.model_copy(update={"blocks": blocks}))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return with_trees(simulated_vectors(tmp_path_factory.mktemp("cohort"), 130, PLANS))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return with_trees(simulated_vectors(tmp_path_factory.mktemp("other"), 60, PLANS, seed=2))


@pytest.fixture(scope="module")
def folder(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    train_bundle(cohort, None, TrainPlan("vectors", "2026-01-01", refits=3), out, quiet)
    return out


@pytest.fixture(scope="module")
def served(folder: Path) -> ServedBundle:
    return read_bundle(folder)


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Bundle:
    return load(folder)


def of_case(scorer: Bundle, cohort: Cohort, i: int) -> CaseValues:
    """What the scorer knows of one case: values of the record, and a log-risk for each vector."""
    values = {name: column[i : i + 1] for name, column in cohort.case_values.columns.items()}
    for block, model in scorer.vectors.items():
        row = cohort.vectors[block].values[i]
        named = {
            name: value for name, value in zip(cohort.vectors[block].columns, row, strict=True) if not np.isnan(value)
        }
        if named:
            values[block] = model.log_risk(model.matrix([named]), scorer.trees)
    return CaseValues(scorer.manifest.profile, values, 1)


def test_the_scorer_says_of_every_case_what_the_trainer_says(
    other: Cohort, served: ServedBundle, scorer: Bundle
) -> None:
    patients = served.patients(other, None)
    expected, _ = predict_all(served, patients)
    for i in range(len(other)):
        case = of_case(scorer, other, i)
        arm = scorer.arm_for(case)
        assert arm is not None
        assert scorer.predict(arm.name, case).risk[0, 0] == pytest.approx(
            expected["fused"].risk[i, patients.horizon], rel=1e-6
        )


def test_the_bundle_lists_models_of_vectors_their_blocks_and_where_training_vectors_lie(scorer: Bundle) -> None:
    assert {"vectors-blood.json", "vectors-genes.json", "vectors-genes.txt"} <= scorer.manifest.files.keys()
    assert scorer.manifest.arms[0].blocks == ("blood", "clinical", "genes", "molecular")
    assert scorer.manifest.profile.title_of("blood") == "blood counts"
    assert {block: reference.width for block, reference in scorer.reference.vectors.items()} == {
        "blood": 8,
        "genes": 60,
    }


def test_a_vector_far_from_training_is_flagged_by_its_distance(cohort: Cohort, scorer: Bundle) -> None:
    model, reference = scorer.vectors["blood"], scorer.reference.vectors["blood"]
    known = cohort.vectors["blood"].values[cohort.vectors["blood"].known]
    distances = reference.case_distances(model.standardised(known))
    assert (distances > reference.limits.flag).mean() < 0.05
    far = reference.case_distances(model.standardised(known[:1] + 30 * model.scale))
    assert far[0] > reference.limits.abstain


def test_the_card_names_blocks_by_title_and_says_what_all_blocks_gain(folder: Path) -> None:
    card = (folder / "model_card.md").read_text()
    assert "- blood counts: 8 columns of" in card
    assert "patients have no blood counts; they are served by the models without blood" in card
    assert "Gain of clinical_molecular_blood_genes over clinical_molecular in C" in card
    assert "Vectors (blood counts, genes): columns standardised" in card


def test_the_same_cohort_gives_the_same_digest(cohort: Cohort, served: ServedBundle, tmp_path: Path) -> None:
    again = train_bundle(cohort, None, TrainPlan("vectors", "2026-01-01", refits=3), tmp_path / "again", quiet)
    assert again == served.bundle.digest


def test_a_validation_predicts_with_vectors_and_says_what_each_block_adds(
    other: Cohort, served: ServedBundle, tmp_path: Path
) -> None:
    report = validate(served, other, None, tmp_path, quiet)
    assert {"blood", "genes", "fused", "clinical_molecular_genes"} <= report.arms.keys()
    assert report.procedure.vectors == other.vector_digests
    assert report.absent["pathomics"].startswith("the bundle was trained without slides")
    compared = {contrast.b for contrast in report.contrasts if contrast.a == "fused"}
    assert {"clinical_molecular_genes", "clinical_molecular_blood"} <= compared


def test_a_cohort_without_a_block_is_validated_by_models_of_the_others(
    other: Cohort, served: ServedBundle, tmp_path: Path
) -> None:
    report = validate(served, replace(other, vectors={"genes": other.vectors["genes"]}), None, tmp_path, quiet)
    assert report.absent["blood"] == "no patient of the cohort has blood counts or ready-made blood columns"
    assert {"genes", "fused", "clinical_genes", "molecular_genes"} <= report.arms.keys()
    assert not [name for name in report.arms if "blood" in name or "pathomics" in name]


def test_a_validation_has_no_arm_of_blocks_that_no_patient_has(
    other: Cohort, served: ServedBundle, tmp_path: Path
) -> None:
    molecular = [place for place, each in enumerate(other.profile.variables) if each.block == "molecular"]
    values = other.values.copy()
    values[:, molecular] = np.nan
    report = validate(served, replace(other, values=values, vectors={}), None, tmp_path, quiet)
    assert set(report.arms) == {"null", "rule", "clinical"}
    for arm in ("clinical_molecular", "clinical_molecular_gbm"):
        assert report.absent[arm] == "no patient of the cohort has molecular variables"
    assert report.absent["fused"] == "no patient of the cohort has blood counts or ready-made blood columns"


def test_columns_that_the_bundle_lacks_are_refused_and_missing_ones_are_noted(
    other: Cohort, served: ServedBundle, tmp_path: Path
) -> None:
    blood = other.vectors["blood"]
    renamed = replace(blood, columns=("x", *blood.columns[1:]))
    with pytest.raises(
        BadVectorTableError, match='vectors blood: the bundle\'s model of blood counts has no columns "x"'
    ):
        validate(served, replace(other, vectors={"blood": renamed}), None, tmp_path, quiet)
    fewer = replace(blood, columns=blood.columns[:5], values=blood.values[:, :5])
    report = validate(served, replace(other, vectors={"blood": fewer}), None, tmp_path, quiet)
    assert "3 columns of blood counts are not in the table and count as missing" in report.notes


def test_a_vector_of_training_is_recognised_in_a_validation(
    cohort: Cohort, other: Cohort, served: ServedBundle, tmp_path: Path
) -> None:
    copied = other.vectors["blood"].values.copy()
    at = int(np.flatnonzero(cohort.vectors["blood"].known)[0])
    copied[7] = cohort.vectors["blood"].values[at]
    vectors = {"blood": replace(other.vectors["blood"], values=copied)}
    with pytest.raises(SeenCasesError, match=rf"{other.case_ids[7]} \(vector\)"):
        validate(served, replace(other, vectors=vectors), None, tmp_path, quiet)


def test_a_bundle_of_another_profile_of_blocks_is_refused(other: Cohort, served: ServedBundle, tmp_path: Path) -> None:
    profile = other.profile.model_copy(update={"blocks": other.profile.blocks[:-1]})
    with pytest.raises(BadModelError, match="their blocks, variables or outcome differ"):
        validate(served, replace(other, profile=profile, vectors={}), None, tmp_path, quiet)


@pytest.mark.parametrize(("known", "arm"), [(130, "blood"), (15, "clinical_molecular_blood")])
def test_vectors_that_are_all_alike_or_known_of_few_patients_give_a_bundle(
    cohort: Cohort, tmp_path: Path, known: int, arm: str
) -> None:
    values, events_first = np.full((len(cohort), 8), np.nan), np.argsort(~cohort.outcome.is_event, kind="stable")
    members = np.concatenate([events_first[:6], events_first[::-1][: known - 6]])
    values[members] = 1.0 if known == len(cohort) else cohort.vectors["blood"].values[members]
    blood = replace(cohort.vectors["blood"], values=values)
    changed = replace(cohort, vectors={"blood": blood})
    train_bundle(changed, None, TrainPlan("few", "2026-01-01", refits=0), tmp_path / "bundle", quiet)
    bundle = load(tmp_path / "bundle")
    assert {each.name for each in bundle.manifest.arms} >= {arm, "clinical_molecular"}
    assert bundle.without_weight == ({"blood"} if arm == "blood" else set())
    assert "blood" not in bundle.reference.vectors
