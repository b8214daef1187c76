"""Design columns of several cases at once, small enough to count by hand."""

import numpy as np
import pytest

from shared.model.case_values import CaseValues
from shared.model.column import Column, Form, design_matrix
from shared.model.profile import Profile

PROFILE = Profile.model_validate(
    {
        "name": "toy",
        "variables": [
            {"name": "age", "kind": "numeric", "block": "clinical"},
            {"name": "stage", "kind": "ordinal", "block": "clinical", "levels": ["M0", "M1", "M2"]},
            {"name": "group", "kind": "categorical", "block": "molecular", "levels": ["G3", "G4"]},
        ],
        "outcome": {"codes": {"0": "censored", "1": "relapse"}},
    }
)
CASES = CaseValues(
    PROFILE,
    {
        "age": np.array([2.0, 7.0, np.nan]),
        "stage": np.array([0.0, 2.0, np.nan]),
        "pathomics": np.array([np.nan, 0.5, np.nan]),
    },
    3,
)


@pytest.mark.parametrize(
    ("form", "variable", "more", "numbers"),
    [
        ("value", "age", {}, [2.0, 7.0, 4.0]),
        ("value", "pathomics", {}, [4.0, 0.5, 4.0]),
        ("below", "age", {"cut": 3.0}, [1.0, 0.0, 4.0]),
        ("level", "stage", {"levels": ("M1", "M2")}, [0.0, 1.0, 4.0]),
        ("rank", "stage", {"levels": ("M2", "M1", "M0")}, [2.0, 0.0, 4.0]),
        ("missing", "stage", {}, [0.0, 0.0, 1.0]),
        ("level", "group", {"levels": ("G3",)}, [4.0, 4.0, 4.0]),
    ],
)
def test_a_column_encodes_each_case_and_imputes_what_is_missing(
    form: Form, variable: str, more: dict[str, object], numbers: list[float]
) -> None:
    column = Column.model_validate({"name": "x", "variable": variable, "form": form, "impute": 4.0} | more)
    assert column.standardised(CASES).tolist() == numbers


def test_a_design_is_centred_and_scaled_column_by_column() -> None:
    columns = [
        Column(name="age", variable="age", form="value", impute=5.0, mean=1.0, scale=2.0),
        Column(name="M+", variable="stage", form="level", levels=("M1", "M2"), impute=0.5, mean=0.5, scale=0.5),
    ]
    assert design_matrix(columns, CASES).tolist() == [[0.5, -1.0], [3.0, 1.0], [2.0, 0.0]]
    assert design_matrix([], CASES).shape == (3, 0)


def test_one_case_of_a_record_gives_the_same_row_as_in_a_cohort() -> None:
    column = Column(name="stage", variable="stage", form="rank", levels=("M0", "M1", "M2"))
    case = CaseValues.of_case(PROFILE, {"age": 7, "stage": "M2", "pathomics": 0.5})
    assert column.standardised(case).tolist() == [2.0] == column.standardised(CASES)[1:2].tolist()
    assert [name for name in ("clinical", "molecular", "pathomic") if case.has_block(name)[0]] == [
        "clinical",
        "pathomic",
    ]


def test_a_block_is_known_by_any_of_its_variables() -> None:
    assert CASES.has_block("clinical").tolist() == [True, True, False]
    assert CASES.has_block("molecular").tolist() == [False, False, False]
    assert CASES.has_blocks(["clinical", "pathomic"]).tolist() == [False, True, False]
