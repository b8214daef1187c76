"""Models of blocks of vectors: contributions sum to the log-risk, files read back, and what does not fit is refused."""

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from pydantic import ValidationError

from shared.canonical import canonical_json
from shared.model.trees import read_trees
from shared.model.vector_model import VectorModel

CONTENT: dict[str, Any] = {
    "block": "blood",
    "columns": ["hb", "crp", "wbc"],
    "mean": [10.0, 5.0, 8.0],
    "scale": [2.0, 1.0, 4.0],
    "used": [0, 2],
    "log_hazard": {"kind": "linear", "coefficients": [0.5, -1.0]},
}
MODEL = VectorModel.model_validate(CONTENT)


def test_a_log_risk_is_the_weighted_sum_of_standardised_columns() -> None:
    values = MODEL.matrix([{"hb": 14.0, "wbc": 4.0}, {"crp": 3.0}, {}])
    assert MODEL.log_risk(values, {}).tolist()[:2] == [2 * 0.5 + 1.0, 0.0]
    assert np.isnan(MODEL.log_risk(values, {})[2]), "a vector without any value is none"
    assert MODEL.contributions(values, {})[0].tolist() == [1.0, 1.0]
    assert MODEL.used_columns == ("hb", "wbc")


def test_a_missing_value_counts_as_the_training_mean() -> None:
    partly = MODEL.matrix([{"hb": 14.0, "crp": 1.0}])
    whole = MODEL.matrix([{"hb": 14.0, "crp": 1.0, "wbc": 8.0}])
    assert MODEL.log_risk(partly, {}) == MODEL.log_risk(whole, {})
    assert MODEL.standardised(partly).tolist() == [[2.0, -4.0, 0.0]]


def test_contributions_of_trees_sum_to_the_log_risk() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    booster = lgb.train({"verbose": -1, "min_data_in_leaf": 5}, lgb.Dataset(x, label=x[:, 0] - x[:, 1]), 10)
    trees = {"vectors-blood.txt": read_trees("vectors-blood.txt", booster.model_to_string().encode())}
    hazard = {"kind": "lightgbm", "file": "vectors-blood.txt", "centre": 0.25, "scale": 2.0}
    model = VectorModel.model_validate(CONTENT | {"log_hazard": hazard})
    values = MODEL.mean + MODEL.scale * rng.normal(size=(20, 3))
    shares = model.contributions(values, trees)
    assert shares.shape == (20, 2)
    assert shares.sum(axis=1) == pytest.approx(model.log_risk(values, trees))
    raw = booster.predict(model.standardised(values)[:, [0, 2]], raw_score=True)
    assert model.log_risk(values, trees) == pytest.approx(2.0 * (np.asarray(raw) - 0.25))


def test_a_model_is_read_back_as_it_was_written() -> None:
    again = VectorModel.model_validate_json(canonical_json(MODEL.as_json()))
    assert again.as_json() == MODEL.as_json()
    assert again.columns == MODEL.columns


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"columns": ["hb", "hb", "wbc"]}, "a column occurs twice"),
        ({"mean": [10.0, 5.0]}, "mean and scale must have a number for each column"),
        ({"scale": [2.0, 0.0, 4.0]}, "every scale must be above 0"),
        ({"used": [2, 0]}, "positions of columns, rising"),
        ({"used": [0, 3]}, "positions of columns, rising"),
        ({"used": [0]}, "coefficients and used columns differ in number"),
        ({"used": []}, "at least 1 item"),
        ({"columns": []}, "at least 1 item"),
        ({"columns": [f"c{i}" for i in range(5_001)]}, "at most 5000 items"),
        ({"mean": [10.0, "x", 8.0]}, "valid number"),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(change: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        VectorModel.model_validate(CONTENT | change)
