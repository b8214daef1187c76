"""The study of the inner folds' ridges: both ways differ in the training patients' log-risks alone."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from tests.studies.vector_ridges import BY_FOLD, CONCATENATED, ONE, VectorRidgePlan
from tests.studies.vector_ridges_summary import vectors_section, vectors_summary

PLAN = VectorRidgePlan(9001, 3, 120, 2.0, 6)


def test_one_ridge_ranks_training_patients_of_different_folds_at_least_as_well() -> None:
    value = PLAN.run(None, None)  # type: ignore[arg-type]
    assert set(value) == {BY_FOLD, ONE, CONCATENATED}
    assert np.mean(value[ONE]["out_of_fold"]) > np.mean(value[BY_FOLD]["out_of_fold"])
    assert min(value[ONE]["weight"]) >= 0
    assert all(0.3 < c < 0.9 for way in (BY_FOLD, ONE) for c in value[way]["alone"])


def piece(ratio: float, gain: float) -> dict[str, Any]:
    """A scenario in which one ridge adds `gain` to C."""
    figures = {"over_clinical": [0.0, 1e-5, -1e-5], "alone": [0.6] * 3, "out_of_fold": [0.6] * 3, "slope": [1.0] * 3}
    figures |= {"weight": [0.2] * 3}
    better = figures | {"over_clinical": [gain, gain + 1e-5, gain - 1e-5]}
    ways = {BY_FOLD: figures, ONE: better, CONCATENATED: {"over_clinical": [0.01] * 3}}
    return {"plan": asdict(PLAN) | {"hazard_ratio": ratio}, "value": ways}


@pytest.mark.parametrize(
    ("with_effect", "without", "adopted"), [(0.002, 0.0, True), (0.0005, 0.0, False), (0.01, -0.002, False)]
)
def test_one_ridge_is_adopted_for_a_gain_that_harms_no_scenario(
    with_effect: float, without: float, adopted: bool
) -> None:
    value = vectors_summary([piece(1.0, without), piece(2.0, with_effect)])
    assert value["verdicts"][ONE]["adopted"] is adopted
    section = vectors_section(value)
    assert f"| 120 | 2 | 6 | {ONE} | {with_effect:.4f}" in section
    assert f"| {ONE} | {BY_FOLD} | {with_effect:.4f}" in section
