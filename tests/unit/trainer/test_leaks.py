"""The leak detector: copies of slides and of patients are refused, under whatever name they stand."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.duplicates import duplicate_rows, identifying_digests, identifying_rows, row_digests
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.cohort.leaks import check_between, check_within, trained_on
from services.trainer.errors import LeakError, SeenCasesError
from services.trainer.simulation.simulate import SimulationPlan
from shared.arrays import Floats
from tests.support.cohorts import simulated, write_bags

RNG = np.random.default_rng(1)


def bag(tiles: int) -> Floats:
    return RNG.normal(size=(tiles, 8))


def held(folder: Path, bags: Mapping[str, Floats]) -> Embeddings:
    return read_embeddings(write_bags(folder, bags))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("cohort"), SimulationPlan(60, tiles=1, width=8))[0]


def renamed(cohort: Cohort, *names: str) -> Cohort:
    return replace(cohort.take(np.arange(len(names))), case_ids=names)


def with_twin(cohort: Cohort) -> Cohort:
    first, *others = cohort.case_ids
    doubled = cohort.take(np.array([0, *range(len(cohort))]))
    return replace(doubled, case_ids=(first, "twin", *others))


@pytest.mark.parametrize("tiles", [1, 3, 300])
def test_the_same_features_under_two_cases_are_a_leak(tmp_path: Path, tiles: int) -> None:
    shared = bag(tiles)
    with pytest.raises(LeakError, match=r"^a pair of cases is not independent: a and b share the features of a slide$"):
        check_within("abc", held(tmp_path, {"a": shared, "b": shared, "c": bag(3)}))


def test_a_copy_with_a_changed_number_and_tiles_taken_away_is_still_a_copy(tmp_path: Path) -> None:
    features = bag(600)
    altered = features[200:].copy()
    altered[0, 0] += 1
    with pytest.raises(LeakError, match="a and b share the features"):
        check_within("ab", held(tmp_path, {"a": features, "b": altered}))


def test_a_few_tiles_without_a_picture_are_no_copy(tmp_path: Path) -> None:
    glass = np.zeros((5, 8))
    check_within("ab", held(tmp_path, {"a": np.vstack([bag(60), glass]), "b": np.vstack([bag(60), glass])}))


def test_one_tile_without_a_picture_makes_no_copy_of_a_small_bag(tmp_path: Path) -> None:
    glass = np.zeros((1, 8))
    check_within("ab", held(tmp_path, {"a": np.vstack([bag(2), glass]), "b": np.vstack([bag(2), glass])}))


def test_two_bags_of_one_case_may_be_alike(tmp_path: Path) -> None:
    shared = bag(3)
    embeddings = held(tmp_path, {"a": shared, "b": shared})
    check_within("a", replace(embeddings, by_case={"a": (*embeddings.by_case["a"], *embeddings.by_case["b"])}))


def test_a_patient_under_two_names_is_a_leak(cohort: Cohort) -> None:
    with pytest.raises(LeakError, match=f"one and the same row.*: {cohort.case_ids[0]} and twin"):
        duplicate_rows(with_twin(cohort))


def test_equal_rows_of_few_values_are_noted_and_no_leak(cohort: Cohort) -> None:
    coarse = np.full_like(cohort.values, np.nan)
    coarse[:, 1] = cohort.values[:, 1]
    (note,) = duplicate_rows(with_twin(replace(cohort, values=coarse)))
    assert f"{cohort.case_ids[0]} and twin); so few values are known of them that it may be chance" in note


def test_a_row_identifies_its_patient_by_what_is_rare_in_so_large_a_cohort(cohort: Cohort) -> None:
    many = cohort.take(np.zeros(2000, np.int64))
    distinct = np.full_like(many.values, np.nan)
    for known in (2, 3):
        distinct[:, known - 1] = RNG.permutation(2000)
        distinct[:, 0] = RNG.permutation(2000)
        rows = identifying_rows(replace(many, values=distinct))
        assert rows.tolist() == [known == 3] * 2000, f"{known} values, each of one patient in 2,000"


def test_rows_that_differ_are_fine(cohort: Cohort) -> None:
    assert duplicate_rows(cohort) == []


def test_training_patients_are_told_again_with_all_that_tells_them(cohort: Cohort, tmp_path: Path) -> None:
    features = bag(100)
    first, *_ = cohort.case_ids
    known = trained_on(cohort, held(tmp_path / "one", {first: features}))
    again = held(tmp_path / "two", {"x": features[:50]})
    with pytest.raises(SeenCasesError, match=r"1 case was .*: x \(features of a slide, row of the table\)$") as refused:
        check_between(known, renamed(cohort, "x"), again)
    assert "Leave these cases out" in refused.value.advice


def test_a_renamed_patient_is_told_again_without_slides(cohort: Cohort) -> None:
    other = replace(cohort, case_ids=tuple(f"other-{case}" for case in cohort.case_ids))
    with pytest.raises(SeenCasesError, match=r"5\d cases were .*other-.* \(row of the table\).*, and 4\d more"):
        check_between(trained_on(cohort, None), other, None)


def test_a_row_that_is_alike_among_many_is_a_note(cohort: Cohort) -> None:
    first = cohort.take(np.flatnonzero(identifying_rows(cohort))[:1])
    others = cohort.take(np.arange(len(cohort)).repeat(3))
    values = others.values.copy()
    values[:, 0] += 0.1 * np.arange(len(others))
    values[0] = first.values[0]
    outcome = Outcome(others.outcome.time + 0.01, others.outcome.event)
    outcome.time[0], outcome.event[0] = first.outcome.time[0], first.outcome.event[0]
    many = replace(others, case_ids=tuple(f"x{i}" for i in range(len(others))), values=values).with_outcome(outcome)
    (note,) = check_between(trained_on(cohort, None), many, None)
    assert note.startswith("the rows of x0 are equal to rows of the bundle's training cohort")
    with pytest.raises(SeenCasesError, match=r"x0 \(row of the table\)"):
        check_between(trained_on(cohort, None), many.take(np.arange(60)), None)


def test_a_bundle_keeps_no_digest_of_a_row_that_others_may_have(cohort: Cohort) -> None:
    unknown = replace(cohort, values=np.full_like(cohort.values, np.nan))
    assert identifying_digests(cohort, [])
    assert not identifying_digests(unknown, [])


def test_a_digest_of_a_row_tells_nothing_to_another_bundle(cohort: Cohort) -> None:
    few = cohort.take(np.arange(20))
    assert not set(row_digests(few, ["one"]).values()) & set(row_digests(few, ["other"]).values())
