"""A block of vectors read by LightGBM: the scorer gives a case the risk that the trainer predicts, and its columns."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from medulla.v1.scorer_pb2 import Score

from services.fusion_scorer.inputs import CaseInputs
from services.fusion_scorer.score import score
from services.fusion_scorer.vectors import read_vector
from services.trainer.bundle.served import predict_all, read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.simulation.vectors import VectorPlan
from shared.model.block import VectorFit
from shared.model.bundle import Bundle, load
from shared.units import CaseId
from tests.support.cohorts import quiet
from tests.support.vector_bundle import vector_json
from tests.support.vectors import simulated_vectors

GENES = VectorPlan("genes", 20, 4.0)
COMPARED = 10
"""Cases that are scored."""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    cohort = simulated_vectors(tmp_path_factory.mktemp("cohort"), 110, (GENES,))
    blocks = tuple(
        block.model_copy(update={"fit": VectorFit(model="lightgbm", keep=4)}) if block.name == "genes" else block
        for block in cohort.profile.blocks
    )
    return replace(cohort, profile=cohort.profile.model_copy(update={"blocks": blocks}))


@pytest.fixture(scope="module")
def folder(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    train_bundle(cohort, None, TrainPlan("trees", "2026-01-01", refits=2), out, quiet)
    return out


def scored(bundle: Bundle, cohort: Cohort, at: int) -> Score:
    """One patient's vector, scored as JSON of the bucket."""
    case, vectors = CaseId(cohort.case_ids[at]), cohort.vectors["genes"]
    known = {name: value for name, value in zip(vectors.columns, vectors.values[at], strict=True) if np.isfinite(value)}
    vector = read_vector(vector_json("genes", case, **known), case, "genes", bundle)
    assert vector is not None
    return score(bundle, CaseInputs(case, vectors=(vector,)), "0.0").score


def of_known_vectors(cohort: Cohort) -> Iterator[int]:
    yield from np.flatnonzero(cohort.vectors["genes"].known)[:COMPARED].tolist()


def test_the_scorer_gives_the_risk_that_the_trainer_predicts(cohort: Cohort, folder: Path) -> None:
    served, bundle = read_bundle(folder), load(folder)
    assert {"vectors-genes.json", "vectors-genes.txt"} <= bundle.manifest.files.keys()
    vectors_alone = replace(cohort, values=np.full_like(cohort.values, np.nan))
    patients = served.patients(vectors_alone, None)
    expected, _ = predict_all(served, patients)
    risks = [scored(bundle, cohort, at) for at in of_known_vectors(cohort)]
    assert [risk.model for risk in risks] == ["genes"] * COMPARED
    first_horizon = [expected["genes"].risk[at, patients.horizon] for at in of_known_vectors(cohort)]
    assert [risk.risks[0].risk for risk in risks] == pytest.approx(first_horizon, rel=1e-5)
    assert len(set(first_horizon)) > 1


def test_a_contribution_names_the_columns_that_the_trees_split_on(cohort: Cohort, folder: Path) -> None:
    bundle = load(folder)
    for answer in (scored(bundle, cohort, at) for at in of_known_vectors(cohort)):
        (share,) = answer.contributions
        columns = {column.column for column in share.columns}
        assert columns
        assert columns <= set(bundle.vectors["genes"].used_columns)
