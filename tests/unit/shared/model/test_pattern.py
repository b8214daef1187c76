"""Which of several models serves a case."""

import numpy as np

from shared.model.case_values import CaseValues
from shared.model.pattern import patterns, serving
from shared.model.profile import Profile
from tests.support.fusion import PROFILE

NAN = np.nan
CASES = CaseValues(
    Profile.model_validate(PROFILE),
    {
        "age": np.array([8.0, 8.0, NAN, NAN]),
        "group": np.array([0.0, NAN, 1.0, NAN]),
        "pathomics": np.array([0.1, 0.1, NAN, NAN]),
    },
    4,
)


def test_patterns_come_with_the_largest_first() -> None:
    assert patterns(["a", "b"]) == [frozenset({"a", "b"}), frozenset({"a"}), frozenset({"b"})]


def test_a_case_is_served_by_the_first_pattern_of_which_it_has_every_block() -> None:
    offered = patterns(["clinical", "molecular", "pathomic"])
    served = [sorted(offered[place]) if place >= 0 else None for place in serving(offered, CASES)]
    assert served == [["clinical", "molecular", "pathomic"], ["clinical", "pathomic"], ["molecular"], None]


def test_without_models_nothing_is_served() -> None:
    assert serving([], CASES).tolist() == [-1] * 4
