"""Predictions of an arm for several cases at once."""

import json

import numpy as np
import pytest

from shared.model.arm import Arm
from shared.model.calibration import Recalibration
from shared.model.case_values import CaseValues
from shared.model.prediction import predict
from shared.model.profile import Profile
from tests.support.fusion import AGE, PROFILE, STAGE, parts

ARM = Arm.model_validate(parts()["clinical.json"])
CASES = CaseValues(
    Profile.model_validate(PROFILE), {"stage": np.array([0.0, 1.0, np.nan]), "age": np.array([8.0, 16.0, 4.0])}, 3
)
HORIZONS = (3.0, 5.0)


def test_log_risk_is_the_sum_of_its_parts_by_variable() -> None:
    prediction = predict(ARM, CASES, HORIZONS)
    assert prediction.by_variable["stage"] == pytest.approx([0.8 * -0.25, 0.8 * 0.75, 0.0])
    assert prediction.by_variable["age"] == pytest.approx([0.0, -0.4, 0.2])
    assert prediction.log_risk == pytest.approx([-0.2, 0.2, 0.2])


def test_risks_follow_from_constant_competing_hazards() -> None:
    prediction = predict(ARM, CASES, HORIZONS)
    event = 0.1 * np.exp(prediction.log_risk)
    for i, years in enumerate(HORIZONS):
        assert prediction.risk[:, i] == pytest.approx(event / (event + 0.05) * (1 - np.exp(-(event + 0.05) * years)))
    assert (prediction.lo < prediction.risk).all()
    assert (prediction.risk < prediction.hi).all()


def test_each_case_is_predicted_as_if_it_were_alone() -> None:
    together = predict(ARM, CASES, HORIZONS)
    for i in range(len(CASES)):
        alone = {name: values[i : i + 1] for name, values in CASES.columns.items()}
        prediction = predict(ARM, CaseValues(CASES.profile, alone, 1), HORIZONS)
        assert (prediction.risk[0], prediction.lo[0]) == (
            pytest.approx(together.risk[i], abs=1e-14),
            pytest.approx(together.lo[i], abs=1e-14),
        )


def test_every_horizon_is_recalibrated_by_its_own() -> None:
    raw = predict(ARM, CASES, HORIZONS)
    moved = predict(ARM, CASES, HORIZONS, [Recalibration(), Recalibration(intercept=float(np.log(2)))])
    assert moved.risk[:, 0] == pytest.approx(raw.risk[:, 0])
    assert moved.risk[:, 1] == pytest.approx(1 - (1 - raw.risk[:, 1]) ** 2)


def test_without_refits_the_interval_is_open() -> None:
    prediction = predict(ARM.model_copy(update={"refits": ()}), CASES, HORIZONS)
    assert np.unique(prediction.lo).tolist() == [0]
    assert np.unique(prediction.hi).tolist() == [1]


def test_an_arm_is_the_same_after_it_was_written_and_read() -> None:
    written = json.dumps(ARM.as_json())
    again = Arm.model_validate_json(written)
    assert json.dumps(again.as_json()) == written
    assert [column.name for column in again.columns] == [STAGE["name"], AGE["name"]]
    assert predict(again, CASES, HORIZONS).risk == pytest.approx(predict(ARM, CASES, HORIZONS).risk)
