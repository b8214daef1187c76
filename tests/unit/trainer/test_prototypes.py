"""Prototypes: clusters of tiles that a pathologist can look up, and what goes with them."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.cohort.cohort import Cohort, Outcome
from services.trainer.cohort.embeddings import Embeddings, read_embeddings
from services.trainer.profile import load_profile
from services.trainer.slides.prototypes import CohortPrototypes, prototypes
from shared.model.prototypes import read_prototypes
from tests.support.cohorts import write_bags

PATIENTS = 40


def bags(folder: Path) -> Embeddings:
    """Two kinds of tiles, far apart; patient i has i of the second kind among 40."""
    rng = np.random.default_rng(1)
    tiles = {f"p{i}": rng.normal(0, 0.01, (40, 4)) + 9.0 * (np.arange(40) >= 40 - i)[:, None] for i in range(PATIENTS)}
    return read_embeddings(write_bags(folder, tiles))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> CohortPrototypes:
    profile = load_profile()
    rng = np.random.default_rng(2)
    time = rng.exponential(np.exp(2 - np.arange(PATIENTS) / 10))
    names = tuple(f"p{i}" for i in range(PATIENTS))
    values = np.full((PATIENTS, len(profile.variables)), np.nan)
    outcome = Outcome(time + 0.01, np.ones(PATIENTS, np.int64))
    cohort = Cohort(profile, "c", names, ("",) * PATIENTS, values, outcome, "d")
    return prototypes(lambda tiles: tiles, cohort, bags(tmp_path_factory.mktemp("bags")), seed=1)


def test_shares_of_a_patient_sum_to_one_and_follow_the_tiles(fitted: CohortPrototypes) -> None:
    assert fitted.shares.sum(axis=1) == pytest.approx(np.ones(PATIENTS))
    second = fitted.centres[:, 0] > 5
    assert fitted.shares[:, second].sum(axis=1) == pytest.approx(np.arange(PATIENTS) / 40)


def test_what_comes_with_early_events_has_a_hazard_ratio_above_one(fitted: CohortPrototypes) -> None:
    ratios = fitted.served().hazard_ratios
    assert (ratios[:, [1, 0]] <= ratios[:, [0, 2]]).all()
    assert ratios[fitted.centres[:, 0] > 5, 0].max() > 1


def test_examples_name_a_tile_of_different_patients_that_is_of_the_kind(fitted: CohortPrototypes) -> None:
    for row, centre in zip(fitted.rows, fitted.centres, strict=True):
        assert len({example.case_id for example in row.examples}) == len(row.examples) == 3
        if centre[0] > 5:
            assert all(int(example.case_id.removeprefix("p")) > 0 for example in row.examples)


def test_a_tile_is_told_by_its_slide_and_place(tmp_path: Path) -> None:
    embeddings = bags(tmp_path)
    assert embeddings.tile("p3", 7) == {"case_id": "p3", "slide_id": "p3"}


def test_a_bundle_holds_centres_shares_and_ratios_and_no_name_of_a_patient(fitted: CohortPrototypes) -> None:
    data = fitted.served().as_bytes()
    read = read_prototypes(data)
    assert read.shares.sum() == pytest.approx(1)
    assert (read.centres == fitted.centres).all()
    assert all(name.encode() not in data for name in fitted.cases)
