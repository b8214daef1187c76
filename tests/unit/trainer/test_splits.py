"""Splits: balanced, grouped, frozen."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.errors import UnusableCohortError
from services.trainer.evaluation.splits import draw_splits, load_splits
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
    with pytest.raises(UnusableCohortError, match="leaves out cases"):
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


def test_fewer_sites_than_folds_are_refused() -> None:
    with pytest.raises(UnusableCohortError, match="1 sites, 2 folds"):
        draw_splits(cohort([0, 1] * 10, ["a"] * 20), 1, 2, seed=1, by_site=True)
