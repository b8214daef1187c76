"""Splits: balanced, grouped, frozen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.errors import BadSplitsError, UnusableCohortError
from services.trainer.evaluation.splits import draw_splits, folds_without_events, load_splits
from services.trainer.folds import grouped_folds, stratified_folds
from services.trainer.profile import load_profile


def cohort(events: Sequence[int], sites: Sequence[str]) -> Cohort:
    profile = load_profile()
    n = len(events)
    outcome = Outcome(np.arange(1.0, n + 1), np.array(events, np.int64))
    names = tuple(f"p{i}" for i in range(n))
    return Cohort(profile, "c", names, tuple(sites), np.full((n, len(profile.variables)), np.nan), outcome, "d")


@given(strata=st.lists(st.integers(0, 3), min_size=10, max_size=80), folds=st.integers(2, 5), seed=st.integers(0, 99))
def test_every_stratum_is_dealt_out_evenly(strata: list[int], folds: int, seed: int) -> None:
    places = stratified_folds(np.array(strata), folds, np.random.default_rng(seed))
    for stratum in set(strata):
        counts = np.bincount(places[np.array(strata) == stratum], minlength=folds)
        assert counts.max() - counts.min() <= 1


@given(groups=st.lists(st.sampled_from("abcdefgh"), min_size=10, max_size=60), seed=st.integers(0, 99))
def test_no_group_is_cut(groups: list[str], seed: int) -> None:
    places = grouped_folds(groups, np.zeros(len(groups), np.int64), 3, np.random.default_rng(seed))
    for name in set(groups):
        assert len({fold for fold, group in zip(places, groups, strict=True) if group == name}) == 1


def test_splits_are_frozen_and_read_back(tmp_path: Path) -> None:
    patients = cohort([0, 1] * 20, ["s"] * 40)
    drawn = draw_splits(patients, 2, 5, seed=3)
    drawn.write(tmp_path)
    read = load_splits(tmp_path / "splits.json", patients)
    assert (read.fold_of == drawn.fold_of).all()
    assert read.digest == drawn.digest
    assert (tmp_path / "splits.sha256").read_text().startswith(drawn.digest)
    assert draw_splits(patients, 2, 5, seed=4).digest != drawn.digest


def test_splits_of_another_cohort_are_refused(tmp_path: Path) -> None:
    draw_splits(cohort([0, 1] * 10, ["s"] * 20), 1, 5, seed=3).write(tmp_path)
    with pytest.raises(BadSplitsError, match="leaves out p20"):
        load_splits(tmp_path / "splits.json", cohort([0, 1] * 20, ["s"] * 40))


def test_sites_stay_whole_where_asked() -> None:
    sites = [f"s{i % 6}" for i in range(60)]
    drawn = draw_splits(cohort([0, 1] * 30, sites), 1, 3, seed=1, by_site=True)
    for name in set(sites):
        assert len({int(fold) for fold, site in zip(drawn.fold_of[0], sites, strict=True) if site == name}) == 1


def test_a_fold_that_would_leave_no_event_to_learn_from_is_refused() -> None:
    sites = ["a"] * 10 + ["b"] * 10
    with pytest.raises(UnusableCohortError, match="no event is left"):
        draw_splits(cohort([1] * 10 + [0] * 10, sites), 1, 2, seed=1, by_site=True)


def test_a_file_without_an_end_holds_no_splits() -> None:
    with pytest.raises(BadSplitsError, match="has more than 50000000 bytes"):
        load_splits(Path("/dev/zero"), cohort([0, 1] * 10, ["s"] * 20))


def test_splits_that_were_altered_are_refused_by_the_digest_beside_them(tmp_path: Path) -> None:
    patients = cohort([0, 1] * 10, ["s"] * 20)
    draw_splits(patients, 1, 5, seed=3).write(tmp_path)
    path = tmp_path / "splits.json"
    path.write_bytes(path.read_bytes().replace(b'"p0"', b'"px"').replace(b'"p1"', b'"p0"').replace(b'"px"', b'"p1"'))
    with pytest.raises(BadSplitsError, match=r"was altered: its SHA-256 is not the one in splits\.sha256"):
        load_splits(path, patients)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("nothing", "holds no splits"),
        ("[]", "holds no splits"),
        ('{"splits": []}', "holds no splits"),
        ('{"splits": [{"repeat": 0, "fold": 0, "test": ["a", "a"]}]}', "tests a twice in repeat 0"),
        ('{"splits": [{"repeat": 0, "fold": 0, "test": ["z"]}]}', 'is of another cohort: "z"'),
        ('{"splits": [{"repeat": 0, "fold": 0, "test": [["a"]]}]}', "is of another cohort: a list"),
        ('{"splits": [{"repeat": 0, "fold": 0, "test": ["' + "z" * 9000 + '"]}]}', "is of another cohort"),
        ('{"splits": [{"repeat": 1e300, "fold": 0, "test": ["a"]}]}', "holds no splits"),
        ('{"splits": [{"repeat": Infinity, "fold": 0, "test": ["a"]}]}', "holds no splits"),
        ('{"splits": [{"repeat": 0, "fold": 999999999999, "test": ["a"]}]}', "holds no splits"),
        ("[" * 100_000, "holds no splits"),
        ('{"splits": [{"repeat": 0, "fold": -1, "test": ["a"]}]}', "holds no splits"),
        ('{"splits": [{"repeat": 0, "fold": 0, "test": ["a"]}]}', "leaves out b"),
    ],
)
def test_what_are_no_splits_is_refused_in_a_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    patients = replace(cohort([0, 1], ["s", "t"]), case_ids=("a", "b"))
    text = content.replace('{"splits"', '{"grouped_by": "patient", "seed": 1, "splits"')
    (tmp_path / "some.json").write_text(text)
    with pytest.raises(BadSplitsError) as refused:
        load_splits(tmp_path / "some.json", patients)
    assert sentence in str(refused.value)
    assert len(str(refused.value)) < 1_000


def test_a_gap_in_the_numbers_of_folds_is_refused(tmp_path: Path) -> None:
    patients = cohort([0, 1] * 20, ["s"] * 40)
    draw_splits(patients, 1, 2, seed=3).write(tmp_path)
    (tmp_path / "splits.sha256").unlink()
    path = tmp_path / "splits.json"
    path.write_text(path.read_text().replace('"fold":1', '"fold":5'))
    with pytest.raises(BadSplitsError, match="tests nobody in fold 1 of repeat 0"):
        load_splits(path, patients)


def test_splits_that_part_a_site_though_they_say_that_they_do_not_are_refused(tmp_path: Path) -> None:
    patients = cohort([0, 1] * 10, ["s", "s", "t", "t"] * 5)
    draw_splits(patients, 1, 2, seed=3, by_site=True).write(tmp_path)
    moved = replace(patients, sites=tuple(["s", "t"] * 10))
    with pytest.raises(BadSplitsError, match="parts one of this cohort"):
        load_splits(tmp_path / "splits.json", moved)


def test_frozen_splits_are_held_to_events_too(tmp_path: Path) -> None:
    draw_splits(cohort([1, 1, 0, 0], ["s"] * 4), 1, 2, seed=3).write(tmp_path)
    with pytest.raises(UnusableCohortError, match="no event is left"):
        load_splits(tmp_path / "splits.json", cohort([0, 0, 0, 0], ["s"] * 4))


def test_as_many_folds_as_sites_leave_out_one_site_at_a_time() -> None:
    sites = ["a"] * 30 + ["b"] * 5 + ["c"] * 11 + ["d"] * 2
    drawn = draw_splits(cohort([0, 1] * 24, sites), 2, 4, seed=1, by_site=True)
    for row in drawn.fold_of:
        assert len(set(zip(row.tolist(), sites, strict=True))) == 4


def test_test_folds_without_events_are_said() -> None:
    patients = cohort([1, 1, *[0] * 10], ["s"] * 12)
    (warning,) = folds_without_events(draw_splits(patients, 1, 5, seed=1), patients)
    assert "fold" in warning
    assert warning.count("repeat 0") == 3
    assert folds_without_events(draw_splits(patients, 1, 2, seed=1), patients) == []


def test_sites_that_are_not_known_cannot_be_kept_whole() -> None:
    with pytest.raises(UnusableCohortError, match="the site of 1 patients is not known"):
        draw_splits(cohort([0, 1] * 10, ["a", *["b"] * 18, ""]), 1, 2, seed=1, by_site=True)


def test_fewer_sites_than_folds_are_refused() -> None:
    with pytest.raises(UnusableCohortError, match="1 sites, 2 folds"):
        draw_splits(cohort([0, 1] * 10, ["a"] * 20), 1, 2, seed=1, by_site=True)
