"""Risk groups that `medulla train` writes: what their limits are worth out of fold, and the widest interval."""

from pathlib import Path

import numpy as np
import pytest

from services.trainer.bundle.train import TrainPlan, train_bundle
from services.trainer.cohort.table import read_cohort
from services.trainer.profile import load_profile
from services.trainer.simulation.simulate import SimulationPlan, simulate
from shared.model.bundle import Bundle, load
from shared.model.case_values import CaseValues
from tests.support.cohorts import quiet

PATIENTS = 120


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("trained")
    simulate(SimulationPlan(patients=PATIENTS, effect=2.0, tiles=1, width=8), out, quiet)
    cohort = read_cohort(out / "cohort.csv", load_profile())
    train_bundle(cohort, None, TrainPlan("test", "2026-01-01", refits=20), out / "bundle", quiet)
    return out


@pytest.fixture(scope="module")
def bundle(folder: Path) -> Bundle:
    return load(folder / "bundle")


def test_groups_are_called_by_what_they_are_a_higher_or_lower_risk_of(bundle: Bundle) -> None:
    for rule in bundle.thresholds.arms.values():
        assert [group.name for group in rule.groups] == [
            "lower risk of relapse or progression",
            "higher risk of relapse or progression",
        ]


def test_a_limit_keeps_at_least_four_of_five_with_the_event_out_of_fold_and_says_so(bundle: Bundle) -> None:
    for rule in bundle.thresholds.arms.values():
        assert rule.operating is not None
        sensitivity, specificity = rule.operating.sensitivity, rule.operating.specificity
        assert sensitivity.est >= 0.8 - 1e-6
        assert sensitivity.lo < sensitivity.est < sensitivity.hi
        assert 0 < specificity.lo < specificity.est < specificity.hi < 1
        assert f"out of fold, {100 * sensitivity.est:.0f} of 100 patients (" in rule.basis
        assert "SIMULATED training cohort" in rule.basis


def test_the_risks_of_the_cohort_are_those_of_the_patients_that_an_arm_serves(bundle: Bundle) -> None:
    assert bundle.reference.risk.keys() == bundle.thresholds.arms.keys()
    clinical = bundle.reference.risk["clinical"]
    assert (clinical.patients, clinical.horizon_years, len(clinical.quantiles)) == (PATIENTS, 3, 101)
    assert (np.diff(clinical.quantiles) >= 0).all()
    assert 0 < clinical.quantiles[0] < clinical.quantiles[-1] < 1


def test_no_interval_may_be_wider_than_the_cohort_by_the_model_that_knows_most_nor_than_half(bundle: Bundle) -> None:
    fullest = bundle.manifest.arms[0].name
    quantiles = bundle.reference.risk[fullest].quantiles
    spread = min(0.5, quantiles[95] - quantiles[5])
    (width,) = {rule.widest.width for rule in bundle.thresholds.arms.values()}
    assert width == pytest.approx(spread, rel=1e-6)
    assert f"risks by {fullest}, out of fold, and at most 50" in bundle.thresholds.arms[fullest].widest.basis


def test_the_range_of_a_number_is_that_of_the_table(bundle: Bundle, folder: Path) -> None:
    ages = read_cohort(folder / "cohort.csv", load_profile()).column("age_at_diagnosis_years")
    age = bundle.reference.numeric["age_at_diagnosis_years"]
    assert age.low == pytest.approx(float(np.nanmin(ages)))
    assert age.high == pytest.approx(float(np.nanmax(ages)))


def test_the_card_holds_the_figures_of_the_files(bundle: Bundle, folder: Path) -> None:
    card = (folder / "bundle" / "model_card.md").read_text()
    for name, rule in bundle.thresholds.arms.items():
        assert rule.operating is not None
        assert f"| {name} | {rule.groups[0].below:.3f} | {rule.operating.sensitivity.est:.3f} (" in card
    assert f"wider than {100 * rule.widest.width:.3g} percentage points" in card


def test_the_curve_of_a_trained_arm_meets_its_risks(bundle: Bundle) -> None:
    case = CaseValues.of_case(bundle.manifest.profile, {"age_at_diagnosis_years": 4.0, "chang_m_stage": "M2"})
    course, prediction = bundle.course("clinical", case, [1.0, 2.0, 3.0]), bundle.predict("clinical", case)
    places = np.searchsorted(course.years, prediction.horizons_years)
    band = course.incidence
    for curve, expected in ((band.risk, prediction.risk), (band.lo, prediction.lo), (band.hi, prediction.hi)):
        assert curve[0, places] == pytest.approx(expected[0])
    assert (course.event_free.lo <= course.event_free.risk).all()
