"""External validation of a bundle on a small cohort, and folders that are no bundles."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.trainer.bundle.served import read_bundle
from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.cohort import Cohort
from services.trainer.cohort.table import read_cohort
from services.trainer.errors import BadModelError, LeakError
from services.trainer.profile import load_profile
from services.trainer.report.page import write_page
from services.trainer.simulation.simulate import SimulationPlan
from services.trainer.simulation.tables import write_table
from services.trainer.validation.validate import validate
from shared.model.errors import BadBundleError, BadKeyError, BadTargetError
from tests.support.cohorts import quiet, simulated


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return simulated(tmp_path_factory.mktemp("cohort"), SimulationPlan(90, tiles=2, width=8))[0]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, cohort: Cohort) -> Path:
    folder = tmp_path_factory.mktemp("bundles") / "bundle"
    train_bundle(cohort, None, TrainPlan("table", "2026-01-01", refits=2), folder, quiet)
    return folder


def test_a_bundle_is_validated_as_it_is_and_named_in_the_report(bundle: Path, tmp_path: Path) -> None:
    other, _ = simulated(tmp_path / "other", SimulationPlan(80, seed=2, tiles=2, width=8))
    served = read_bundle(bundle)
    result = validate(served, other, None, tmp_path, quiet)
    write_page(result, tmp_path)
    assert result.external_validation is not None
    assert result.external_validation.bundle.digest == served.bundle.digest
    assert result.arms["clinical_molecular"].n == 80
    development = result.external_validation.development
    assert development is not None
    assert (development.cohort.n, len(development.table_one[0].cells)) == (90, 1)
    assert result.external_validation.equations[0].arm == served.bundle.manifest.arms[0].name
    page = (tmp_path / "report.html").read_text()
    assert "Development beside validation" in page
    assert "By these tables a risk can be computed by hand." in page
    assert "## Equation of clinical_molecular" in (bundle / "model_card.md").read_text()


def test_events_and_columns_of_the_first_page_are_those_of_the_training_cohort(bundle: Path, tmp_path: Path) -> None:
    other, _ = simulated(tmp_path / "other", SimulationPlan(80, seed=2, tiles=2, width=8))
    served = read_bundle(bundle)
    result = validate(served, other, None, tmp_path, quiet)
    manifest = served.bundle.manifest
    stated = [*manifest.reservations, *(text for arm in manifest.arms for text in arm.reservations)]
    own = "SIMULATED: Of the bundle, from its training cohort: "
    shown = [text.removeprefix(own) for text in result.reservations if text.startswith(own)]
    assert any("events for" in text for text in shown)
    assert set(shown) <= set(stated)
    assert set(manifest.reservations) <= set(shown)
    others = [text for text in result.reservations if not text.startswith(own)]
    assert not [text for text in others if "events for" in text]


def test_patients_whom_a_score_would_abstain_on_or_flag_are_counted_in_the_notes(bundle: Path, tmp_path: Path) -> None:
    """Two ages far outside of training, the first of them past the limit to abstain."""
    other, _ = simulated(tmp_path / "other", SimulationPlan(80, seed=2, tiles=2, width=8))
    served = read_bundle(bundle)
    age = served.bundle.reference.numeric["age_at_diagnosis_years"]
    values = other.values.copy()
    place = other.profile.position("age_at_diagnosis_years")
    values[:2, place] = age.mean + age.spread * np.array([age.limits.abstain + 1, age.limits.flag + 1])
    notes = validate(served, replace(other, values=values), None, tmp_path, quiet).notes
    counts = "a score would abstain on 1 of 80 patients and flag 1 as unlike the training cohort"
    assert len([note for note in notes if counts in note]) == 1


def test_a_cohort_without_a_block_of_the_record_has_no_arm_that_reads_it(bundle: Path, tmp_path: Path) -> None:
    simulated(tmp_path, SimulationPlan(80, seed=2, tiles=2, width=8))
    with (tmp_path / "cohort.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    molecular = {variable.name for variable in load_profile().of_blocks(["molecular"])}
    write_table(tmp_path / "less.csv", [{k: v for k, v in row.items() if k not in molecular} for row in rows])
    report = validate(read_bundle(bundle), read_cohort(tmp_path / "less.csv", load_profile()), None, tmp_path, quiet)
    assert "clinical" in report.arms
    for name in ("clinical_molecular", "clinical_molecular_gbm"):
        assert name not in report.arms
        assert report.absent[name] == "no patient of the cohort has molecular variables"


def test_validation_on_the_training_cohort_is_a_leak(bundle: Path, cohort: Cohort, tmp_path: Path) -> None:
    with pytest.raises(LeakError, match="were in the training cohort") as refused:
        validate(read_bundle(bundle), cohort, None, tmp_path, quiet)
    assert refused.value.advice == "Leave these cases out of the cohort, and run again."


def test_a_bundle_of_another_profile_is_refused(bundle: Path, tmp_path: Path) -> None:
    table = tmp_path / "cohort.csv"
    table.write_text(
        "case_id,age_at_diagnosis_years,time_days,event_code\n"
        + "".join(f"c{i},{i % 17},{900 + i},{i % 2}\n" for i in range(40))
    )
    other = read_cohort(table, load_profile("medulloblastoma_survival"))
    with pytest.raises(BadModelError, match="profile medulloblastoma, the cohort is read by medulloblastoma_survival"):
        validate(read_bundle(bundle), other, None, tmp_path, quiet)


def test_a_folder_that_is_no_bundle_is_neither_read_nor_replaced(cohort: Cohort, tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(BadBundleError, match="is no bundle"):
        read_bundle(tmp_path)
    with pytest.raises(BadTargetError, match="is not replaced"):
        train_bundle(cohort, None, TrainPlan("table", "2026-01-01", refits=2), tmp_path, never)
    with pytest.raises(BadTargetError, match="is no folder"):
        train_bundle(cohort, None, TrainPlan("table", "2026-01-01", refits=2), tmp_path / "thesis.docx", never)
    with pytest.raises(BadKeyError, match="no unencrypted PEM key"):
        train_bundle(cohort, None, TrainPlan("table", "2026-01-01", key=b"no key"), tmp_path / "new", never)
    assert (tmp_path / "thesis.docx").exists()


def never(_done: int, _total: int) -> None:
    """Nothing may be fitted before the target is found fit."""
    raise AssertionError
