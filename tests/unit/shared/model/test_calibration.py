"""Recalibration of risks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.calibration import Calibration, Recalibration, recalibrated


@given(st.lists(st.floats(0, 1), max_size=5))
def test_identity_recalibration_changes_nothing(risks: list[float]) -> None:
    assert recalibrated(np.array(risks, np.float64), 0.0, 1.0) == pytest.approx(np.array(risks))


def test_recalibration_by_log_two_doubles_the_cumulative_hazard() -> None:
    doubled = recalibrated(np.array([0.2, 0.5]), float(np.log(2)), 1.0)
    assert doubled == pytest.approx([1 - 0.8**2, 1 - 0.5**2])


def test_an_arm_or_horizon_that_is_not_named_stays_as_it_is() -> None:
    calibration = Calibration(arms={"fused": {"2.5": Recalibration(intercept=0.1, slope=0.9)}})
    assert calibration.of("fused", 2.5).slope == 0.9
    assert calibration.of("fused", 3.0) == calibration.of("clinical", 2.5) == Recalibration()
