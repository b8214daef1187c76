"""The study of the fusion weight: its corrections recover a known weight, and its verdicts follow the stated rule."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from services.trainer.arms.cox import Sample, fit_cox
from services.trainer.cohort.cohort import Outcome
from tests.studies.corrections import NetworkScores, corrected_weights
from tests.studies.fusion import FusionPlan
from tests.studies.fusion_summary import fusion_section, fusion_summary

PATIENTS, FOLDS = 20_000, 5


def test_reliability_is_what_the_mean_over_folds_shares_with_one_fold() -> None:
    rng = np.random.default_rng(1)
    networks = rng.normal(size=PATIENTS) + rng.normal(size=(FOLDS, PATIENTS))
    scores = NetworkScores(networks, np.zeros(PATIENTS, np.int64))
    assert scores.reliability == pytest.approx((1 + 1 / FOLDS) / 2, abs=0.02)  # variances 1 and 1 / 5, of 2


def test_both_corrections_bring_back_most_of_a_weight_that_the_error_takes() -> None:
    rng = np.random.default_rng(2)
    networks = rng.normal(size=PATIENTS) + rng.normal(size=(FOLDS, PATIENTS))
    ensemble, single = networks.mean(axis=0), networks[0] / networks[0].std()
    clinical = 0.5 * ensemble + rng.normal(size=PATIENTS)
    time = rng.exponential(np.exp(-0.5 * ensemble - 0.5 * clinical))
    outcome = Outcome(np.minimum(time, 0.2), np.asarray(time <= 0.2, np.int64))  # few events: nearly exact
    x = np.column_stack([clinical, single])
    true = 0.5 * networks[0].std()
    naive = fit_cox(Sample.of(x, outcome.time, outcome.is_event), 1.0)
    weights = corrected_weights(x, outcome, 1.0, NetworkScores(networks, np.zeros(PATIENTS, np.int64)), rng)
    assert naive[1] < 0.65 * true
    assert naive[0] > 0.55
    assert weights["regression calibration"] == pytest.approx([0.5, true], abs=0.06)
    assert weights["SIMEX"][1] > naive[1] + 0.5 * (true - naive[1])


def test_a_cohort_without_an_effect_has_wrong_signs_only_without_the_bound() -> None:
    value = FusionPlan(9001, 8, 150, 1.0, 0.0).run(None, None)  # type: ignore[arg-type]
    wrong = {way: np.mean(figures["wrong_sign"]) for way, figures in value.items()}
    assert wrong.pop("unconstrained") > 0
    assert set(wrong.values()) == {0.0}


def piece(ratio: float, gain: float, slope: float) -> dict[str, Any]:
    """A scenario in which the correction adds `gain` to C and has that slope; today's way has a slope of 1.2."""

    def figures(c: float, slope: float) -> dict[str, list[float]]:
        changing = [c - 1e-5, c + 1e-5, c]
        return {"over_clinical": changing, "over_slides": changing, "slope": [slope] * 3, "weight": [0.1] * 3}

    bounded = figures(0.0, 1.2) | {"wrong_sign": [0.0] * 3}
    ways = {
        "unconstrained": bounded | {"wrong_sign": [0.0, 1.0, 0.0]},
        "non-negative": bounded,
        "correction": figures(gain, slope) | {"wrong_sign": [0.0] * 3},
    }
    return {"plan": asdict(FusionPlan(1, 3, 150, ratio, 0.0)), "value": ways}


@pytest.mark.parametrize(
    ("gain", "slope", "without_effect", "adopted"),
    [(0.002, 1.2, 1.2, True), (0.0005, 1.2, 1.2, False), (0.0, 1.1, 1.2, True), (0.002, 1.2, 1.3, False)],
)
def test_a_correction_is_adopted_for_a_gain_that_harms_no_scenario(
    gain: float, slope: float, without_effect: float, adopted: bool
) -> None:
    value = fusion_summary([piece(1.0, 0.0, without_effect), piece(1.3, gain, slope)])
    assert value["verdicts"]["correction"]["adopted"] is adopted
    assert value["verdicts"]["non-negative"]["adopted"] is True
    section = fusion_section(value)
    assert "| 150 | 1.3 | 0 | unconstrained | 33.3 |" in section
    assert f"| correction | non-negative | {gain:.4f}" in section
