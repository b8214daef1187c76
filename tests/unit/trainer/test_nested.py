"""What a bundle's card says of a patient: nothing that was taught by what became of that patient."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.arms.arm import Patients
from services.trainer.bundle.nested import LeftOut, Nested, nested
from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from services.trainer.split_fold import split_fold
from shared.arrays import Ints
from shared.model.pattern import model_patterns
from tests.studies.pieces import quiet

BLOCKS = load_profile().block_names
FULL = frozenset(BLOCKS)
PATTERNS = model_patterns(BLOCKS, [FULL, *(frozenset({block}) for block in BLOCKS)])


@pytest.fixture(scope="module")
def cohort_and_bags(tmp_path_factory: pytest.TempPathFactory) -> tuple[Cohort, Embeddings]:
    folder: Path = tmp_path_factory.mktemp("SIMULATED")
    simulate(SimulationPlan(80, 1.6, 1, 5, tiles=10, width=8), folder, quiet)
    return read_cohort(folder / "cohort.csv", load_profile()), read_embeddings(folder / "embeddings")


def with_other_fate(cohort: Cohort, some: np.ndarray) -> Cohort:
    """Whoever of `some` relapsed did not, and the others did."""
    event = cohort.outcome.event.copy()
    event[some] = np.where(event[some] == 1, 0, 1)
    return cohort.with_outcome(Outcome(cohort.outcome.time, event))


def predicted(cohort: Cohort, bags: Embeddings, fold_of: Ints) -> Nested:
    """Of every patient by models that were fitted without their fold."""
    tested = [np.flatnonzero(fold_of == fold) for fold in (0, 1)]
    folds = (LeftOut(each, *split_fold(cohort, bags, each, 1, gated=False)) for each in tested)
    return nested(Patients(cohort, 1), folds, PATTERNS)


def test_what_became_of_a_patient_changes_nothing_of_what_is_said_of_them(
    cohort_and_bags: tuple[Cohort, Embeddings],
) -> None:
    cohort, bags = cohort_and_bags
    fold_of = np.arange(len(cohort)) % 2
    first = np.flatnonzero(fold_of == 0)
    predictions = [predicted(each, bags, fold_of) for each in (cohort, with_other_fate(cohort, first))]
    for pattern in predictions[0]:
        before, after = (one[pattern].risk[first] for one in predictions)
        assert np.array_equal(before, after, equal_nan=True)
    assert not np.array_equal(predictions[0][FULL].risk, predictions[1][FULL].risk, equal_nan=True), (
        "it teaches the others' models"
    )


def test_who_lacks_a_block_is_not_answered_for_by_a_pattern_that_needs_it(
    cohort_and_bags: tuple[Cohort, Embeddings],
) -> None:
    cohort, bags = cohort_and_bags
    predictions = predicted(cohort, bags, np.arange(len(cohort)) % 2)
    without = ~bags.has(cohort.case_ids)
    assert without.any()
    assert np.isnan(predictions[FULL].log_risk[without]).all()
    assert np.isfinite(predictions[frozenset({"clinical"})].log_risk[cohort.has_block("clinical")]).all()
